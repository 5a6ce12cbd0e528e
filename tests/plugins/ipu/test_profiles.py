"""What each profile takes, and what it does not do."""

from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from quark_core.errors import DeviceError
from quark_ipu import IpuOptions
from quark_ipu.device import Ipu
from tests.plugins.ipu.nets import POF2, xint8
from tests.unit.engine.sample_nets import run

X = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
INT8 = {"dtype": "int8"}
BF16 = {"dtype": "bfloat16"}
PARTS: dict[str, dict[str, Any]] = {
    "a8w8": {"weight": INT8, "input": INT8, "output": INT8},
    "bf16": {"weight": BF16, "bias": BF16, "input": BF16, "output": BF16},
}


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.SiLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(36, 4)).eval()


@pytest.mark.parametrize("mode", ["eager_mode", "fx_graph_mode"])
@pytest.mark.parametrize("profile", ["a8w8", "bf16"])
def test_other_profiles_work_in_every_mode_and_change_nothing(profile: str, mode: str) -> None:
    device = {"name": "IPU", "profile": profile}
    result = run(net(), X, mode=mode, device=device, **PARTS[profile])
    assert result.report.adjustments == ()
    assert result.report.final is None
    plain = run(net(), X, mode=mode, **PARTS[profile])
    assert torch.equal(result.model(X), plain.model(X))


@pytest.mark.parametrize("profile", ["a8w8", "bf16"])
def test_other_profiles_have_no_executor(profile: Any) -> None:
    device = Ipu(IpuOptions(profile=profile))
    with pytest.raises(DeviceError, match=f"IPU profile {profile} has no integer executor"):
        device.executor(net())
    assert device.passes() == ()
    assert device.adjust(net()) == ()


def test_a8w8_takes_no_power_of_two_and_no_unsigned_codes() -> None:
    device = {"name": "IPU", "profile": "a8w8"}
    for wrong in (POF2, {"dtype": "uint8"}, {"dtype": "int8", "qscheme": "per_channel"}):
        with pytest.raises(ValidationError, match="IPU"):
            run(net(), X, device=device, weight=wrong)
    with pytest.raises(ValidationError, match="bias"):
        run(net(), X, device=device, weight=INT8, bias=INT8)


def test_xint8_needs_graphs() -> None:
    with pytest.raises(ValidationError, match="fx_graph_mode"):
        xint8(net(), X, mode="eager_mode")


@pytest.mark.parametrize(
    "wrong",
    [
        {"dtype": "int8"},
        {**POF2, "qscheme": "per_channel"},
        {**POF2, "dtype": "uint8"},
        {**POF2, "round_method": "stochastic"},
    ],
)
def test_xint8_takes_nothing_else(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="IPU"):
        xint8(net(), X, weight=wrong)


def test_lowering_says_what_proves_the_codes() -> None:
    with pytest.raises(DeviceError, match="integer executor proves its codes"):
        Ipu(IpuOptions()).lower(net())


def test_operators_that_it_does_not_compute_stay_float() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.LeakyReLU(0.2), nn.AvgPool2d(2, ceil_mode=True), nn.Softmax(1))
    kept = {layer.name: layer.reason for layer in xint8(model, X).plan.layers if layer.reason}
    assert kept == {
        "1": "IPU takes no quantized leaky_relu",
        "2": "IPU takes no quantized avg_pool",
        "3": "IPU takes no quantized softmax",
    }
