"""The executor: integers only, the same results, and it says which layers are not computed so."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

import quark_core as qc
from quark_core.demo.network import calibration_batches, digits, digits_net
from quark_core.errors import DeviceError
from quark_core.plugin import Executes, LayerPath, Lowered, Replays
from quark_ipu import IpuOptions
from quark_ipu.device import Ipu
from tests.plugins.ipu.nets import Residual, executor, floats, graph, proved, xint8

X = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))


class Dtypes(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it untyped
    """Notes of each operator whether floating-point tensors go in and come out."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # as above
        self.seen: list[tuple[str, bool, bool]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self.seen.append((str(func), _floats((args, kwargs)), _floats(result)))
        return result


def _floats(values: Any) -> bool:
    return any(x.is_floating_point() for x in pytree.tree_leaves(values) if isinstance(x, Tensor))


@pytest.mark.parametrize("make", [digits_net, Residual])
def test_nothing_is_floating_point_between_the_first_codes_and_the_last(make: Any) -> None:
    torch.manual_seed(0)
    x = calibration_batches()[0][:4] if make is digits_net else X
    run = executor(xint8(make(), x))
    with Dtypes() as ops:
        run(x)
    casts = [(i, before, after) for i, (name, before, after) in enumerate(ops.seen) if "_to_copy" in name]
    entries = [i for i, before, after in casts if before and not after]
    exits = [i for i, before, after in casts if after and not before]
    assert (len(entries), len(exits)) == (1, 1)
    between = ops.seen[entries[0] + 1 : exits[0]]
    assert len(between) > 20
    assert [name for name, before, after in between if before or after] == []


def test_it_is_the_quantized_model() -> None:
    images = digits("test")[0]
    result = xint8(digits_net(), *calibration_batches())
    assert floats(result) == {}
    assert torch.equal(executor(result)(images), result.model(images))


def test_the_pipeline_measures_it() -> None:
    report = xint8(digits_net(), *calibration_batches()).report
    assert report.final is not None
    assert report.final.kind == "executor"
    assert {layer.path for layer in report.layers} == {"integer"}


def test_codes_are_those_of_the_dtype() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
    unsigned = {"dtype": "uint8", "scale_type": "pof2"}
    result = xint8(net, X, layers=[{"match": "0", "output": unsigned}])
    codes = executor(result).codes(X)
    assert {key: (c.dtype, c.shape) for key, (c, _) in codes.items()} == {
        "0.input": (torch.int8, X.shape),
        "0.output": (torch.uint8, (3, 4, 8, 8)),
    }
    code, at = codes["0.output"]
    assert torch.equal(code.float() * 2.0**-at, result.model(X))


def test_it_is_what_the_protocols_ask_for() -> None:
    run = executor(xint8(nn.Sequential(nn.Linear(4, 4)), torch.randn(2, 4)))
    assert isinstance(Ipu(IpuOptions()), Executes)
    assert isinstance(run, Lowered)
    assert isinstance(run, Replays)


def test_a_replay_shows_the_output_of_each_layer() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 4)
    result = xint8(nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)), x)
    shown: dict[str, Tensor] = {}
    found = executor(result).replay((x,), shown.__setitem__)
    assert list(shown) == ["0", "2"]
    assert torch.equal(shown["2"], found)
    assert torch.equal(found, result.model(x))
    with pytest.raises(ValueError, match="0: codes cannot be replaced"):
        executor(result).replay((x,), lambda _layer, value: value)


class Mixed(nn.Module):
    """Integers, floating point, and integers again; by two named inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.middle, self.last = nn.Linear(4, 6), nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        x = functional.gelu(self.middle(functional.relu(self.first(x))))
        return {"out": self.last(x + y), "y": y}


def test_an_excluded_layer_runs_in_floating_point() -> None:
    torch.manual_seed(0)
    batch = {"x": torch.randn(2, 4), "y": torch.randn(2, 6)}
    result = xint8(Mixed(), batch, exclude=["middle"])
    run = executor(result)
    assert run.layer_paths["first"] == LayerPath("integer", "8-bit operands, 32-bit sums, a shift that rounds")
    assert floats(result) == {"middle": "its weight is not quantized", "gelu": "the IPU does not compute gelu"}
    found, expected = run(**batch), result.model(**batch)
    assert torch.equal(found["out"], expected["out"])
    assert torch.equal(found["y"], batch["y"])
    assert set(run.codes(**batch)) == {
        "first.input",
        "first.output",
        "add.input",
        "add.other",
        "add.output",
        "last.output",
    }


def test_a_bias_in_floating_point_keeps_its_layer_there() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 4)
    result = xint8(nn.Sequential(nn.Linear(4, 4)), x, layers=[{"match": "0", "skip": ["bias"]}])
    assert floats(result) == {"0": "its bias is not quantized; write bias: {dtype: int8, scale_type: pof2}"}
    assert torch.equal(executor(result)(x), result.model(x))


def test_a_module_that_is_kept_whole() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 4), nn.Tanh()))
    x = torch.randn(2, 4)
    result = xint8(net, x, mode={"name": "fx_graph_mode", "leaves": ["1"]})
    assert floats(result)["1.0"] == "it is inside a module that the graph keeps whole"
    assert torch.equal(executor(result)(x), result.model(x))


def test_a_saved_model_computes_the_same(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = Residual()
    result = xint8(net, X)
    loaded: Any = qc.load(result.save(tmp_path / "out"), model=net)
    assert torch.equal(Ipu(IpuOptions()).executor(loaded)(X), result.model(X))


def test_sums_beyond_32_bits_name_their_layer() -> None:
    layer = nn.Linear(140_000, 1)
    layer.weight.data = torch.tensor([[1.0, -1.0]]).repeat(1, 70_000)
    x = torch.full((1, 140_000), 1.0)
    model = xint8(nn.Sequential(layer), x).model
    with pytest.raises(DeviceError, match=r"0: its sums may reach 22[0-9]{8}, which 32 bits do not hold; exclude it"):
        Ipu(IpuOptions()).executor(model)


def test_products_of_activations_are_checked_when_they_run() -> None:
    result = xint8(Matmul(), torch.ones(1, 1, 8))
    long = torch.ones(1, 1, 140_000)
    with pytest.raises(DeviceError, match="matmul: its sums may reach"):
        executor(result)(long)


class Matmul(nn.Module):
    """A product of two activations."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.matmul(x, x.mT)


def test_one_layer_called_twice_and_without_a_batch() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.up = nn.Conv2d(3, 3, 3, padding=1), nn.ConvTranspose2d(3, 2, 2, stride=2)

        def forward(self, x: Tensor) -> Tensor:
            return self.up(self.layer(functional.relu(self.layer(x))))  # type: ignore[no-any-return]  # nn.Module.__call__

    torch.manual_seed(0)
    result = xint8(Twice(), X[0])
    assert floats(result) == {}
    assert set(executor(result).layer_paths) == {"layer", "layer.call2", "up"}
    assert proved(result, X[1]).holds


def test_models_in_other_precisions_are_refused() -> None:
    result = xint8(nn.Sequential(nn.Linear(4, 4)), torch.randn(2, 4))
    with pytest.raises(DeviceError, match=r"takes models in float32, not torch\.float64; call model\.float"):
        Ipu(IpuOptions()).executor(graph(result).double())


def test_graphs_only() -> None:
    with pytest.raises(DeviceError, match="write mode: fx_graph_mode"):
        Ipu(IpuOptions()).executor(nn.Linear(2, 2))


def test_nothing_changes_in_the_model() -> None:
    torch.manual_seed(0)
    result = xint8(Residual(), X)
    before = {name: value.clone() for name, value in result.model.state_dict().items()}
    proved(result, X)
    after = graph(result).state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], before[name]) for name in before)
