"""Code for code the executor is the fake-quantized model; what differs is found."""

from typing import Any

import pytest
import torch
from torch import nn

from quark_core.demo.network import calibration_batches, digits_net
from quark_ipu.proof import Difference, prove
from tests.plugins.ipu.nets import Residual, executor, graph, proved, rules, xint8

X = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))
METHODS = ["round", "floor", "half_even"]


@pytest.mark.parametrize("method", METHODS)
def test_digits(method: str) -> None:
    batches = calibration_batches()
    proof = proved(xint8(digits_net(), *batches, **rules(method)), batches[1])
    assert (proof.differing, proof.wide, proof.tensors) == ((), (), 6)
    assert proof.holds


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("how", ["symbolic", "export"])
@pytest.mark.parametrize("activations", ["int8", "uint8"])
def test_every_operator(method: str, how: str, activations: str) -> None:
    torch.manual_seed(0)
    mode = {"name": "fx_graph_mode", "trace": how}
    proof = proved(xint8(Residual(), X, mode=mode, **rules(method, activations)), X.flip(0) * 1.5)
    assert proof.differing == ()
    assert proof.codes > 5000


def test_a_wrong_weight_is_found() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 4)
    result = xint8(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2)), x)
    run = executor(result)
    weight = graph(result).get_parameter("1.weight")
    weight.data[0] = 0
    proof = prove(graph(result), run, x)
    assert not proof.holds
    ((found),) = proof.differing
    assert isinstance(found, Difference)
    assert (found.tensor, found.codes) == ("1.output", 2)
    assert found.largest > 0


def wide() -> nn.Module:
    """Return a layer whose sums exceed 2^24 on the way, and then cancel, so that all of their bits count."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20_000, 3), nn.ReLU(), nn.Linear(3, 2))
    first: Any = net[0]
    first.weight.data = (torch.rand(3, 20_000) * 0.2 + 0.8) * (1 - 2 * (torch.arange(20_000) // 10_000))
    return net


@pytest.mark.parametrize("method", METHODS)
def test_wide_layers_are_summed_in_float64(method: str) -> None:
    net, x = wide(), torch.rand(4, 20_000) * 0.5 + 0.5
    result = xint8(net, x, **rules(method))
    run = executor(result)
    assert run.wide_layers == ("0",)
    proof = prove(graph(result), run, x)
    assert (proof.wide, proof.differing) == (("0",), ())


def test_a_tensor_that_is_quantized_twice_is_known_by_number() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Conv2d(3, 3, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([self.layer(x), x * 2, x], 1)

    torch.manual_seed(0)
    result = xint8(Twice(), X)
    assert proved(result, X).holds
    assert any(key.endswith(".call2") for key in executor(result).codes(X))
