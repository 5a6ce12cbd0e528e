"""Folding of batch norms: equal in float to a few ulps where it is done, and not done where it would be wrong."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from tests.plugins.fx.graphs import graph_of, labels, outlined
from tests.unit.engine.sample_nets import PadConv


def norm(rank: int, width: int, **options: Any) -> nn.Module:
    """Return a batch norm with statistics and parameters that are not trivial."""
    made: Any = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[rank - 1](width, **options)
    made.running_mean, made.running_var = torch.randn(width), torch.rand(width) + 0.2
    if made.affine:
        made.weight, made.bias = (nn.Parameter(torch.randn(width)) for _ in range(2))
    module: nn.Module = made.eval()
    return module


OFF = False


def inputs(rank: int) -> Tensor:
    return torch.randn(3, 4, *[5] * rank)


def close(net: nn.Module, x: Tensor, module: nn.Module) -> None:
    """Assert that two networks are equal up to rounding of float32, against float64."""
    exact, found = copy.deepcopy(net).double()(x.double()), module(x)
    limit = 40 * torch.finfo(torch.float32).eps * exact.abs().max().clamp_min(1)
    assert (exact - found).abs().max() < limit


LAYERS: list[tuple[Callable[..., nn.Module], int]] = [
    (nn.Conv1d, 1),
    (nn.Conv2d, 2),
    (nn.Conv3d, 3),
    (nn.ConvTranspose1d, 1),
    (nn.ConvTranspose2d, 2),
    (nn.ConvTranspose3d, 3),
]


@pytest.mark.parametrize("trace", ["symbolic", "export"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("index", range(len(LAYERS)))
def test_convolutions(index: int, groups: int, bias: bool, trace: str) -> None:
    torch.manual_seed(index)
    made, rank = LAYERS[index]
    net = nn.Sequential(made(4, 6, 3, groups=groups, bias=bias), norm(rank, 6, affine=groups == 1)).eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    x = inputs(rank)
    module = graph_of(net, x, trace=trace)
    assert not {"BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "batch_norm"} & set(labels(module))
    close(net, x, module)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize("trace", ["symbolic", "export"])
@pytest.mark.parametrize("bias", [True, False])
def test_linear(bias: bool, trace: str) -> None:
    net, x = nn.Sequential(nn.Linear(4, 6, bias=bias), norm(1, 6)).eval(), torch.randn(3, 4)
    module = graph_of(net, x, trace=trace)
    assert len(labels(module)) == 1
    close(net, x, module)


class Functional(nn.Module):
    """A convolution and a norm without modules; arguments by position or by name."""

    def __init__(self, bias: bool, named: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(6, 2, 3, 3))
        self.bias = nn.Parameter(torch.randn(6))
        self.norm, self.has_bias, self.named = norm(2, 6), bias, named

    def forward(self, x: Tensor) -> Tensor:
        bias = self.bias if self.has_bias else None
        n: Any = self.norm
        if self.named:
            x = F.conv2d(x, weight=self.weight, bias=bias, groups=2)
            x = F.batch_norm(x, running_mean=n.running_mean, running_var=n.running_var, weight=n.weight, bias=n.bias)
        else:
            x = F.conv2d(x, self.weight, bias, 1, 0, 1, 2)
            x = F.batch_norm(x, n.running_mean, n.running_var, n.weight, n.bias, OFF, 0.1, n.eps)
        return x if self.has_bias else x * self.bias[:, None, None]


@pytest.mark.parametrize("trace", ["symbolic", "export"])
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_functional(bias: bool, named: bool, trace: str) -> None:
    net, x = Functional(bias, named).eval(), inputs(2)
    module = graph_of(net, x, trace=trace)
    assert "batch_norm" not in labels(module)
    close(net, x, module)


def test_two_norms_behind_one_layer() -> None:
    net, x = nn.Sequential(nn.Conv2d(4, 6, 3), norm(2, 6), norm(2, 6)).eval(), inputs(2)
    module = graph_of(net, x)
    assert labels(module) == ["Conv2d"]
    close(net, x, module)


def test_a_layer_that_pads_by_itself_and_one_that_computes_its_weight() -> None:
    class Standardized(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            weight = self.weight / self.weight.std((1, 2, 3), keepdim=True)
            return F.conv2d(x, weight, self.bias)

    for made, left in ((PadConv, ["PadConv"]), (Standardized, ["Standardized", "BatchNorm2d"])):
        net, x = nn.Sequential(made(4, 6, 3), norm(2, 6)).eval(), inputs(2)
        module = graph_of(net, x)
        assert labels(module) == left
        close(net, x, module)


class Case(nn.Module):
    """Ways in which a norm cannot be folded."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.conv, self.norm, self.other = nn.Conv2d(4, 4, 1), norm(2, 4), nn.Conv2d(4, 4, 1)
        self.fc, self.rows = nn.Linear(4, 4), norm(1, 4)
        if how == "shared":
            self.other.weight = self.conv.weight

    def forward(self, x: Tensor) -> Tensor:
        n: Any = self.norm
        y = self.conv(x)
        if self.how == "users":
            return n(y) + y  # type: ignore[no-any-return]  # tensors
        if self.how == "shared":
            return self.other(n(y))  # type: ignore[no-any-return]  # tensors
        if self.how == "twice":
            return self.conv(n(y))  # type: ignore[no-any-return]  # tensors
        if self.how == "read":
            return n(y) * self.conv.weight.sum()  # type: ignore[no-any-return]  # tensors
        if self.how == "batch":
            return F.batch_norm(y, None, None, training=True)
        if self.how == "axis":
            return self.rows(self.fc(x[:, :, 0, :4]))  # type: ignore[no-any-return]  # tensors
        raise ValueError(self.how)


@pytest.mark.parametrize("trace", ["symbolic", "export"])
@pytest.mark.parametrize("how", ["users", "shared", "twice", "read", "batch", "axis"])
def test_what_is_not_folded(how: str, trace: str) -> None:
    net, x = Case(how).eval(), inputs(2)
    module = graph_of(net, x, trace=trace)
    assert [word for word in labels(module) if "atch" in word and "orm" in word] != []
    assert torch.equal(net(x), module(x))


def test_what_stays_is_an_operator_on_request() -> None:
    [layer] = [layer for layer in outlined(Case("users"), inputs(2)).layers if layer.name == "norm"]
    assert (layer.on_request, layer.parameters, [t.name for t in layer.tensors]) == (True, 8, ["input", "output"])


def test_folding_is_optional() -> None:
    net = nn.Sequential(nn.Conv2d(4, 6, 3), norm(2, 6))
    assert labels(graph_of(net, inputs(2), fold_batch_norm=False)) == ["Conv2d", "BatchNorm2d"]


def test_a_linear_layer_of_unknown_rank_is_left_as_it_is() -> None:
    net = nn.Sequential(nn.Linear(4, 5), norm(1, 5)).eval()
    assert labels(graph_of(net)) == ["Linear", "BatchNorm1d"]
    assert labels(graph_of(net, torch.randn(3, 4))) == ["Linear"]
    assert labels(graph_of(net, torch.randn(3, 5, 4))) == ["Linear", "BatchNorm1d"]
