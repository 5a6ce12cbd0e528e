"""Convolutions that pad by themselves are read from their own code, or refused."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.plugins.ipu.nets import floats, proved, xint8
from tests.unit.engine.sample_nets import PadConv

X = torch.randn(2, 3, 8, 9, generator=torch.Generator().manual_seed(0))


class StaticPad(nn.Conv2d):
    """Pads by a module, as EfficientNet does."""

    def __init__(self, before: nn.Module) -> None:
        super().__init__(3, 4, 3, stride=2)
        self.before = before

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x)
        return functional.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class Calls(nn.Conv2d):
    """Leaves the convolution to its base."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(functional.pad(x, (2, 0)))


class Doubles(nn.Conv2d):
    """Computes with its weight by itself."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.weight * 2, self.bias)


class Halves(nn.Conv2d):
    """Works on its result by itself."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) / 2


def in_integers(layer: nn.Module) -> None:
    result = xint8(nn.Sequential(layer), X)
    assert floats(result) == {}
    assert proved(result, X).holds


def test_a_forward_of_its_own_that_pads() -> None:
    torch.manual_seed(0)
    for layer in (PadConv(3, 4, 3, stride=2), StaticPad(nn.ZeroPad2d((0, 1, 1, 0))), StaticPad(nn.Identity())):
        in_integers(layer)


def test_one_that_calls_its_base() -> None:
    in_integers(Calls(3, 4, 3, padding=1))


def test_padding_that_keeps_the_size() -> None:
    for kernel, dilation in ((3, 1), (4, 1), ((2, 3), 2)):
        in_integers(nn.Conv2d(3, 4, kernel, padding="same", dilation=dilation))
    in_integers(nn.Conv2d(3, 4, 3, padding="valid"))


def test_what_computes_besides_runs_in_floating_point() -> None:
    pads = "it pads by other numbers than zeros, or computes with a forward of its own"
    for layer in (Doubles(3, 4, 3), Halves(3, 4, 3), nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect")):
        result = xint8(nn.Sequential(layer), X)
        assert floats(result) == {"0": pads}
        assert proved(result, X).holds
