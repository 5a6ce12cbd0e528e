"""After calibration every shift is one that the hardware has, or the contradiction is told."""

import copy
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, fx, nn
from torch.nn import functional

from quark_core.demo.network import calibration_batches, digits_net
from quark_core.engine.quantizer import Quantizer
from quark_core.engine.result import Result
from quark_core.errors import DeviceError
from quark_ipu.adjust import adjust
from tests.plugins.ipu.constraints import broken
from tests.plugins.ipu.nets import POF2, Residual, Wild, graph, proved, rules, xint8

X = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def moved(result: Result) -> dict[str, tuple[str, str, str]]:
    """Return what was moved, by tensor."""
    found = result.report.adjustments
    return {each.tensor: (each.before, each.after, each.why) for each in found if each.before.startswith("pos")}


def test_digits() -> None:
    result = xint8(digits_net(), *calibration_batches())
    assert broken(graph(result)) == []


@pytest.mark.parametrize("how", ["symbolic", "export"])
def test_residual(how: str) -> None:
    torch.manual_seed(1)
    result = xint8(Residual(), X, mode={"name": "fx_graph_mode", "trace": how})
    assert broken(graph(result)) == []


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-14, 14), min_size=2, max_size=5), st.integers(-9, 9), st.integers(0, 99))
def test_wild_ranges(gains: list[int], size: int, seed: int) -> None:
    torch.manual_seed(seed)
    x = torch.randn(2, 4, 3, 3) * 2.0**size
    result = xint8(Wild(tuple(gains)), x)
    assert broken(graph(result)) == []
    assert proved(result, x).holds


def test_nothing_moves_what_fits() -> None:
    torch.manual_seed(0)
    assert moved(xint8(nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Conv2d(4, 4, 1)), X)) == {}


def test_a_sum_of_ranges_far_apart() -> None:
    torch.manual_seed(0)
    result = xint8(Wild((0, 12)), torch.randn(2, 4, 3, 3))
    ((key, (before, after, why)),) = moved(result).items()
    assert key == "layers.0.output"
    assert int(after.split()[1]) < int(before.split()[1])
    assert why.startswith("add: shift_read = ipos0 ")
    assert why.endswith("not in [0, 7]")


class Large(nn.Module):
    """A layer whose results are so large that a hard sigmoid behind it needs what the layer cannot give."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4, bias=False)
        nn.init.constant_(self.layer.weight, 400.0)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.layer(x))


def test_a_contradiction_names_layers_and_constraints() -> None:
    with pytest.raises(DeviceError) as caught:
        xint8(Large(), torch.full((2, 4), 100.0))
    text = str(caught.value)
    assert "layer: shift_cut = wpos -2 + ipos" in text
    assert "hardsigmoid: ipos = ipos " in text
    assert "not in [0, 15]" in text
    assert "exclude one of these layers" in text


def test_hard_sigmoids_are_raised_where_that_does_no_harm() -> None:
    torch.manual_seed(0)
    x = torch.randn(4, 4) * 300
    result = xint8(nn.Sequential(nn.Linear(4, 4), nn.Sigmoid()), x)
    before, after, why = moved(result)["0.output"]
    assert (int(before.split()[1]) < 0, after) == (True, "pos 0")
    assert "ipos" in why
    assert broken(graph(result)) == []
    assert proved(result, x).holds


class Cancels(nn.Module):
    """Large products that cancel, and a tiny bias: the sums must be shifted up to meet it."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1000, 2)
        self.layer.weight.data = torch.tensor([1.0, -1.0]).repeat(2, 500)
        self.layer.bias.data = torch.tensor([2.0**-30, 2.0**-31])

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.layer(x)
        return result


def test_a_bias_is_coarsened_until_sums_fit_32_bits() -> None:
    result = xint8(Cancels(), torch.ones(2, 1000))
    assert "shift_bias for sums of 32 bits" in moved(result)["layer.bias"][2]
    assert broken(graph(result)) == []
    assert proved(result, torch.randn(2, 1000)).holds


class Joins(nn.Module):
    """A concatenation and a max pool."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([functional.max_pool2d(x + x, 2), functional.max_pool2d(x, 2)], 1) + 1


def own_quantizer(model: fx.GraphModule, node: fx.Node, scale: float) -> Quantizer:
    """Give what ``node`` quantizes a quantizer of its own, with another scale."""
    made = copy.deepcopy(model.get_submodule(str(node.target)))
    assert isinstance(made, Quantizer)
    assert made.scale is not None
    made.scale.fill_(scale)
    model.add_module(f"own_{node.name}", made)
    node.target = f"own_{node.name}"
    model.recompile()
    return made


def test_what_is_joined_shares_the_largest_scale() -> None:
    model = graph(xint8(Joins(), X))
    before, again = [node for node in model.graph.nodes if node.target == "quantizers.add_output"]
    assert before.args[0] is not again.args[0]
    made = own_quantizer(model, again, 2.0**-3)
    assert broken(model) != []
    changes = adjust(model)
    assert broken(model) == []
    assert made.scale is not None
    assert all("not in [0, 0]" in change.why for change in changes if "ipos - opos" in change.why)
    assert any("ipos - opos" in change.why for change in changes)


def test_scales_must_be_powers_of_two() -> None:
    model = graph(xint8(nn.Sequential(nn.Linear(4, 4)), torch.randn(2, 4)))
    scale: Any = model.get_submodule("0.weight_quantizer").scale
    scale.fill_(0.3)
    with pytest.raises(DeviceError, match=r"0\.weight: the IPU needs power-of-two scales; write scale_type: pof2"):
        adjust(model)


class Around(nn.Module):
    """A layer whose input and output are joined, so that only its weight can give way, and that weight is large."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 1, bias=False)
        self.layer.weight.data.fill_(300.0)

    def forward(self, x: Tensor) -> Tensor:
        x = x + x
        return torch.cat([x, self.layer(x)], 1)


def test_a_weight_is_raised_where_nothing_else_helps() -> None:
    result = xint8(Around(), X)
    before, after, why = moved(result)["layer.weight"]
    assert (before, after) == ("pos -1", "pos 0")
    assert why.startswith("layer: shift_cut = wpos -1")
    assert broken(graph(result)) == []
    assert proved(result, X).holds


def test_a_square_is_lowered_once() -> None:
    class Square(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            x = x + x
            return torch.cat([x * x, x], 1)

    result = xint8(Square(), X * 2.0**-20)
    assert broken(graph(result)) == []
    assert proved(result, X * 2.0**-20).holds


def test_a_layer_without_bias_or_output() -> None:
    torch.manual_seed(0)
    only = {"input": POF2, "output": None}
    parts = {name: each for name, each in {**rules(), **only}.items() if each is not None}
    from tests.unit.engine.sample_nets import run

    x = torch.randn(2, 4)
    net = nn.Sequential(nn.Linear(4, 4, bias=False), nn.ReLU(), nn.Linear(4, 2))
    result = run(net.eval(), x, mode="fx_graph_mode", device="IPU", **parts)
    assert broken(graph(result)) == []
    assert proved(result, x).holds
