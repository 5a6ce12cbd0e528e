"""Quantizers at the tensors of a plan: shared ones, nested containers, both modes, and what is refused."""

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import nn

from quark_core.engine.modules.layers import QuantizedLayer, quantized_class
from quark_core.engine.modules.replace import replace_modules, restore_modules
from quark_core.engine.quantizer import Quantizer, parameter_quantizers, quantizers
from quark_core.errors import ModelError
from quark_core.plugin.plan import LayerPlan, Plan
from tests.unit.engine.sample_nets import (
    INT8,
    ROWS8,
    Attend,
    MyLinear,
    PadConv,
    Tied,
    convnet,
    grid8,
    images,
    mlp,
    run,
)

TOKENS = torch.arange(24).reshape(2, 12) % 12


def test_a_tied_parameter_is_quantized_once_and_stays_tied() -> None:
    net = Tied()
    final = run(net, TOKENS, weight=ROWS8, input=INT8).model
    embed, head = final.get_submodule("embed"), final.get_submodule("head")
    assert embed.get_parameter("weight") is head.get_parameter("weight")
    assert embed.get_submodule("weight_quantizer") is head.get_submodule("weight_quantizer")
    assert torch.equal(head.get_parameter("weight"), grid8(net.head.weight, 0))
    assert len({q for *_, q in parameter_quantizers(final)}) == 1


def test_a_module_that_stands_twice_is_quantized_once() -> None:
    layer = nn.Linear(4, 4)
    x = torch.randn(2, 4)
    final = run(nn.Sequential(layer, nn.ReLU(), layer), x, weight=ROWS8, input=INT8).model
    assert final[0] is final[2]  # type: ignore[index]  # a Sequential
    assert sorted(q.calls for q in quantizers(final)) == [1, 2]


def test_nested_containers() -> None:
    blocks = nn.ModuleList([nn.ModuleDict({"a": nn.Linear(4, 4), "b": nn.Sequential(nn.Linear(4, 4))})])

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = blocks

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for block in self.blocks:
                x = block["b"](block["a"](x))  # type: ignore[index]  # a ModuleDict
            return x

    final = run(Net(), torch.randn(2, 4), weight=ROWS8, input=INT8).model
    assert {q.key for q in quantizers(final)} == {
        "blocks.0.a.weight",
        "blocks.0.a.input",
        "blocks.0.b.0.weight",
        "blocks.0.b.0.input",
    }


def test_hooks_and_attributes_stay() -> None:
    net, seen = mlp(), []
    net[0].register_forward_hook(lambda _m, _a, _o: seen.append(1))
    setattr(net[0], "note", "kept")  # noqa: B010 - torch does not declare it
    final = run(net, weight=INT8).model
    final(torch.randn(2, 6))
    assert seen == [1]
    assert getattr(final[0], "note") == "kept"  # type: ignore[index]  # noqa: B009 - a Sequential; not declared


def test_one_class_for_each_class() -> None:
    assert quantized_class(MyLinear) is quantized_class(MyLinear)
    assert quantized_class(MyLinear).__mro__[:4] == (quantized_class(MyLinear), QuantizedLayer, MyLinear, nn.Linear)


def test_a_class_that_forbids_subclasses_is_refused_by_name() -> None:
    class Final(nn.Linear):
        def __init_subclass__(cls, *, key: str) -> None:
            super().__init_subclass__()

    with pytest.raises(ModelError, match=r"Final cannot be quantized, since it forbids subclasses: .*'key'"):
        run(Final(4, 4), weight=INT8)


def test_a_name_that_is_taken_is_refused() -> None:
    net = mlp()
    net[0].weight_quantizer = nn.Identity()
    with pytest.raises(ModelError, match="0: it has an attribute 'weight_quantizer' already; rename that"):
        run(net, weight=INT8)


def test_a_plan_of_another_model_is_refused() -> None:
    plan = run(mlp(), weight=INT8).plan
    with pytest.raises(ModelError, match="the plan has a layer '2' that this model does not have"):
        replace_modules(nn.Sequential(nn.Linear(6, 16)), plan)
    empty = Plan((LayerPlan("nowhere", "Linear"),))
    net = nn.Linear(2, 2)
    assert replace_modules(net, empty) is net


UNFOLDED = {"name": "fx_graph_mode", "fold_batch_norm": False}
GRAPHS: list[Callable[[], nn.Module]] = [
    mlp,
    convnet,
    lambda: nn.Sequential(PadConv(3, 4, 3), nn.Flatten(), MyLinear(4 * 49, 3)),
]


@pytest.mark.parametrize("index", range(len(GRAPHS)))
def test_both_modes_give_the_same_bits(index: int) -> None:
    torch.manual_seed(4)
    net = GRAPHS[index]()
    batch = torch.randn(4, 6) if index == 0 else images()
    settings = {"weight": ROWS8, "input": INT8, "bias": INT8}
    eager, graph = (run(net, batch, mode=mode, **settings) for mode in ("eager_mode", UNFOLDED))
    assert torch.equal(eager.model(batch), graph.model(batch))
    assert [t.key for t in eager.plan.tensors()] == [t.key for t in graph.plan.tensors()]
    assert {q.key for q in quantizers(eager.model)} == {q.key for q in quantizers(graph.model)}


def test_graph_mode_keeps_subclasses_and_attention() -> None:
    net, batch = Attend(), torch.randn(2, 5, 8)
    eager, graph = (run(net, batch, mode=m, weight=ROWS8, input=INT8) for m in ("eager_mode", "fx_graph_mode"))
    assert torch.equal(eager.model(batch), graph.model(batch))
    assert isinstance(graph.model, torch.fx.GraphModule)


def test_a_subclass_is_a_leaf_of_the_graph() -> None:
    final = run(convnet(), images(), mode="fx_graph_mode", weight=ROWS8, input=INT8).model
    assert isinstance(final.get_submodule("0"), PadConv)
    assert len(list(quantizers(final))) == 4


def test_copies_of_a_graph_compute_the_same() -> None:
    final = run(convnet(), images(), mode="fx_graph_mode", weight=ROWS8, input=INT8).model
    for other in (copy.deepcopy(final), pickle.loads(pickle.dumps(final))):  # noqa: S301 - our own bytes
        assert torch.equal(other(images()), final(images()))


def test_transformers_within_a_graph() -> None:
    torch.manual_seed(6)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    net = nn.Sequential(nn.Linear(8, 8), nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)).eval()
    x = torch.randn(2, 5, 8)
    eager, graph = (run(net, x, mode=m, weight=ROWS8, input=INT8).model for m in ("eager_mode", "fx_graph_mode"))
    assert torch.equal(eager(x), graph(x))
    assert {q.calls for q in quantizers(graph) if q.tensor.role == "input"} == {1}


def test_quantizers_are_found_once_each() -> None:
    final = run(Tied(), TOKENS, weight=ROWS8).model
    assert [type(q) for q in quantizers(final)] == [Quantizer]
    assert [name for _, name, _ in parameter_quantizers(final)] == ["weight", "weight"]


@pytest.mark.parametrize("mode", ["eager_mode", "fx_graph_mode"])
def test_a_restored_network_is_plain_and_keeps_the_quantized_values(mode: str) -> None:
    net = Tied()
    final = run(net, TOKENS, mode=mode, weight=ROWS8, input=INT8).model
    values = {name: value.clone() for name, value in final.named_parameters()}
    plain = restore_modules(final)
    assert [type(module) for module in plain.modules() if isinstance(module, QuantizedLayer | Quantizer)] == []
    assert list(plain.state_dict()) == list(net.state_dict())
    assert all(torch.equal(value, values[name]) for name, value in plain.named_parameters())
    again = run(plain, TOKENS, weight=ROWS8)
    assert [row.sqnr_db for row in again.report.tensors] == pytest.approx([float("inf")] * 2)


def test_a_network_of_another_mode_is_not_restored() -> None:
    tensor = next(t for t in run(Tied(), TOKENS, input=INT8).plan.tensors() if t.role == "input")
    with pytest.raises(ModelError, match="its mode cannot give a plain network back"):
        restore_modules(nn.Sequential(Quantizer(tensor)))
