"""Code for code the executor is the fake-quantized model; what differs is found."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from quark_core.demo.network import calibration_batches, digits_net
from quark_core.engine.quantizer import Quantizer, stored_codes
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


HALF = 60_000


def wide() -> tuple[nn.Module, Tensor]:
    """Return a layer whose sums exceed 2^24 and then cancel, so that their last bits count; and its input."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2 * HALF, 3, bias=False), nn.Linear(3, 2))
    first: Any = net[0]
    codes = torch.randint(64, 128, (3, HALF)).float() / 128
    first.weight.data = torch.cat([codes, -codes], 1)
    x = torch.randint(64, 127, (4, HALF)).float() / 128
    return net, torch.cat([x, x + (torch.rand(4, HALF) < 2e-4) / 128], 1)


@pytest.mark.parametrize("method", METHODS)
def test_wide_layers_are_summed_in_float64(method: str) -> None:
    net, x = wide()
    result = xint8(net, x, **rules(method))
    run = executor(result)
    assert run.wide_layers == ("0",)
    proof = prove(graph(result), run, x)
    assert (proof.wide, proof.differing) == (("0",), ())
    weight, low = run.codes(x)["0.input"][0].long(), graph(result).get_submodule("0.weight_quantizer")
    assert isinstance(low, Quantizer)
    sums = weight @ stored_codes(low, (3, 2 * HALF)).long().T
    assert 0 < int(sums.abs().max()) < 2**14


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
