"""The converted model: it prints, copies, pickles, saves and loads bit-equal, traced either way."""

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from quark_core.engine.loading import load
from quark_core.engine.quantizer import parameter_quantizers, quantizers
from quark_core.errors import ModelError
from quark_core.plugin import Plan
from quark_fx import FxOptions
from quark_fx.mode import FxGraph
from tests.plugins.fx.graphs import ALL8, IN8, check_edges, mode, planned, quantized
from tests.unit.engine.sample_nets import INT8, ROWS8, run


class Rich(nn.Module):
    """Control flow on shapes, named arguments, buffers, tied weights, branches, and a norm to fold."""

    places: Tensor
    order: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(12, 8), nn.Linear(8, 12, bias=False)
        self.head.weight = self.embed.weight
        self.mix, self.norm = nn.Linear(8, 8), nn.BatchNorm1d(8)
        self.register_buffer("places", torch.randn(6, 8))
        self.register_buffer("order", torch.arange(6), persistent=False)

    def forward(self, tokens: Tensor, scale: Tensor | None = None) -> dict[str, Tensor]:
        x = self.embed(tokens) + self.places[self.order[: tokens.shape[1]]]
        if tokens.shape[1] > 3:
            x = x * 0.5
        if scale is not None:
            x = x * scale
        x = torch.relu(self.norm(self.mix(x[:, 0])))
        return {"scores": self.head(x), "hidden": x}


class Plain(Rich):
    """The same without control flow on shapes."""

    def forward(self, tokens: Tensor, scale: Tensor | None = None) -> dict[str, Tensor]:
        x = self.embed(tokens) + self.places[:5]
        x = x * 0.5 if scale is None else x * scale
        x = torch.relu(self.norm(self.mix(x[:, 0])))
        return {"scores": self.head(x), "hidden": x}


BATCH = {"tokens": torch.arange(20).reshape(4, 5) % 12, "scale": torch.rand(1, 5, 1) + 0.5}
MORE = {"tokens": torch.arange(45).reshape(9, 5) % 12, "scale": BATCH["scale"]}


def same(a: Any, b: Any) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(params=["symbolic", "export"])
def trace(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# Of torch, when it copies the structure of an exported graph's arguments.
@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")
def test_copies_and_files_compute_the_same(trace: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    net = (Plain if trace == "symbolic" else Rich)().eval()
    result = quantized(net, BATCH, options={"trace": "auto"}, **ALL8)
    final = result.model
    assert ("aten" in getattr(final, "code")) == (trace == "export")  # noqa: B009 - of a GraphModule
    check_edges(final)
    result.save(tmp_path / "saved")
    others = [
        copy.deepcopy(final),
        pickle.loads(pickle.dumps(final)),  # noqa: S301 - our own bytes
        load(tmp_path / "saved", (Plain if trace == "symbolic" else Rich)()),
    ]
    for batch in (BATCH, MORE):
        exact = final(**batch)
        assert (exact["scores"] - net(**batch)["scores"]).abs().max() < 0.3
        assert all(same(other(**batch), exact) for other in others)


def test_tied_weights_stay_tied(trace: str) -> None:
    final = quantized(Plain().eval(), BATCH, options={"trace": trace}, **IN8).model
    assert len({id(module.get_parameter(name)) for module, name, _ in parameter_quantizers(final)}) == 2
    tied = {name: p for name, p in final.named_parameters(remove_duplicate=False) if not name.startswith("mix")}
    # torch.export keeps one of the names.
    assert tied.keys() == ({"embed.weight", "head.weight"} if trace == "symbolic" else {"head.weight"})
    assert len({id(parameter) for parameter in tied.values()}) == 1
    assert [q.key for q in quantizers(final) if q.tensor.role == "weight"] == ["embed.weight", "mix.weight"]


def test_it_can_be_read() -> None:
    final = quantized(nn.Sequential(nn.Linear(4, 4), nn.ReLU()), torch.randn(2, 4), **ALL8).model
    assert "quantizers.0_output" in str(final.code).replace(
        'getattr(self.quantizers, "0_output")', "quantizers.0_output"
    )
    assert "int8 per_tensor" in repr(final)


def test_a_saved_graph_without_data(tmp_path: Path) -> None:
    net, x = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).eval(), torch.randn(2, 3, 4, 4)
    result = quantized(net, weight=ROWS8, input={"dtype": "int8", "is_dynamic": True})
    result.save(tmp_path / "saved")
    assert torch.equal(load(tmp_path / "saved", net)(x), result.model(x))


def test_a_plan_of_another_model() -> None:
    plan = planned(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)), torch.randn(2, 4), weight=INT8)
    with pytest.raises(ModelError, match="the plan has a layer '1' that this model does not have"):
        FxGraph(FxOptions(leaves=(), dynamic_axes=(0,))).prepare(
            nn.Sequential(nn.Linear(4, 4)), Plan(plan.layers), None
        )


def test_a_quantized_model_is_refused() -> None:
    final = run(nn.Sequential(nn.Linear(4, 4)), mode=mode(), weight=INT8).model
    with pytest.raises(ModelError, match="0 is quantized already"):
        run(final, mode=mode(), weight=INT8)


def test_a_name_that_is_taken() -> None:
    net = nn.Sequential(nn.Linear(4, 4))
    net[0].weight_quantizer = nn.Identity()
    with pytest.raises(ModelError, match="0: it has an attribute 'weight_quantizer' already; rename that"):
        quantized(net, weight=INT8)


def test_a_module_called_quantizers() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.quantizers = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = self.quantizers(x)
            return result

    net, x = Net(), torch.randn(3, 4)
    final = quantized(net, x, **ALL8).model
    assert {q.key for q in quantizers(final)} == {"quantizers.weight", "quantizers.input", "quantizers.output"}
    assert (final(x) - net(x)).abs().max() < 0.1


def test_the_original_is_not_changed() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ReLU(inplace=True)).eval()
    before = copy.deepcopy(net)
    quantized(net, torch.randn(2, 3, 4, 4), **ALL8)
    assert repr(net) == repr(before)
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), before.state_dict().values(), strict=True))
