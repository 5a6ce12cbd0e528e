"""How convolutions walk, read from modules and nodes, compared by running them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from quark_core.engine.convolutions import Convolution, convolution, convolution_of
from quark_core.engine.marks import note
from quark_core.engine.modules.layers import quantized_class
from tests.plugins.fx.graphs import IN8, quantized
from tests.unit.engine.sample_nets import PadConv


class Cropping(nn.Conv2d):
    """Pads on one side, crops on the other, twice."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # as in torch.nn
        padded = F.pad(F.pad(input, (1, -1)), [0, 0, 2, 0])
        return F.conv2d(padded, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class Even(nn.Conv2d):
    """Pads alike on both sides."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # as in torch.nn
        return F.conv2d(F.pad(input, (1, 1, 2, 2)), self.weight, self.bias, padding=(1, 0))


class Scaling(nn.Conv2d):
    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # as in torch.nn
        return super().forward(input) * 2


class Standardized(nn.Conv2d):
    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # as in torch.nn
        return F.conv2d(input, self.weight - self.weight.mean(), self.bias)


class Unused(nn.Conv2d):
    """What it pads is not what it convolves."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # as in torch.nn
        F.pad(input, (1, 1))
        return F.conv2d(input, self.weight, self.bias)


class Ones(nn.Conv2d):
    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # as in torch.nn
        return F.conv2d(F.pad(input, (1, 1), value=1.0), self.weight, self.bias)


class Deciding(nn.Conv2d):
    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # as in torch.nn
        return super().forward(input) if input.sum() > 0 else super().forward(-input)


READ: list[tuple[nn.Module, Convolution]] = [
    (nn.Conv2d(2, 4, 3), Convolution((1, 1), (0, 0), (1, 1), 1)),
    (nn.Conv1d(2, 4, 3, stride=2, padding=1, dilation=2, groups=2), Convolution((2,), (1,), (2,), 2)),
    (nn.Conv3d(2, 4, (3, 1, 2), padding=(1, 0, 2)), Convolution((1, 1, 1), (1, 0, 2), (1, 1, 1), 1)),
    (nn.Conv2d(2, 4, 3, padding="valid"), Convolution((1, 1), (0, 0), (1, 1), 1)),
    (nn.Conv2d(2, 4, 3, padding="same"), Convolution((1, 1), (1, 1), (1, 1), 1)),
    (nn.Conv2d(2, 4, (2, 3), padding="same"), Convolution((1, 1), (0, 0), (1, 1), 1, ((1, 1, 0, 1),))),
    (Even(2, 4, 3), Convolution((1, 1), (3, 1), (1, 1), 1)),
    (Cropping(2, 4, 3), Convolution((1, 1), (0, 0), (1, 1), 1, ((1, -1), (0, 0, 2, 0)))),
]
REFUSED = [
    nn.Conv2d(2, 4, 3, padding=1, padding_mode="reflect"),
    *(cls(2, 4, 3) for cls in (Scaling, Standardized, Unused, Ones, Deciding)),
    nn.ConvTranspose2d(2, 4, 3),
    nn.Linear(2, 4),
]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize(("module", "how"), READ, ids=str)
def test_modules(module: Any, how: Convolution) -> None:
    assert convolution_of(module) == how
    x = torch.randn(2, 2, *[7] * len(how.stride))
    padded = x
    for pads in how.pads:
        padded = F.pad(padded, pads)
    run = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[len(how.stride)]
    found = run(padded, module.weight, module.bias, how.stride, how.padding, how.dilation, how.groups)
    torch.testing.assert_close(found, module(x))


@pytest.mark.parametrize("module", REFUSED, ids=lambda module: type(module).__name__)
def test_what_is_more_than_zeros_and_a_convolution(module: nn.Module) -> None:
    assert convolution_of(module) is None


class Projection(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 6))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight)


def test_a_linear_function_is_no_convolution() -> None:
    """It was once one without axes."""
    graph: Any = quantized(Projection(), torch.randn(2, 6), **IN8).model
    assert [convolution(node, graph) for node in graph.graph.nodes if note(node) is not None] == [None]


def test_a_quantized_module_is_read_as_what_it_was() -> None:
    layer: Any = PadConv(2, 4, 3, stride=2)
    how = convolution_of(layer)
    layer.__class__ = quantized_class(PadConv)
    assert how is not None
    assert convolution_of(layer) == how


class Functional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 1, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, None, (2, 1), padding=(1, 2), groups=2)


@pytest.mark.parametrize("trace", ["symbolic", "export"])
def test_functions_in_graphs(trace: str) -> None:
    graph: Any = quantized(Functional(), torch.randn(2, 2, 6, 6), options={"trace": trace}, **IN8).model
    [node] = [node for node in graph.graph.nodes if (found := note(node)) is not None and found.kind == "conv2d"]
    assert convolution(node, graph) == Convolution((2, 1), (1, 2), (1, 1), 2)
