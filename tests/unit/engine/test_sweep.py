from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

import quark_core.functional as qf
from quark_core.plugin.formats import FloatFormat
from quark_core.plugin.settings import Settings

Make = Callable[..., Settings]
MIB = 1 << 20


def specials() -> torch.Tensor:
    bits = torch.randint(-(2**31), 2**31, (64, 1024), generator=torch.Generator().manual_seed(0))
    x = bits.int().view(torch.float32)
    x[0, :6] = torch.tensor([0.0, -0.0, torch.inf, -torch.inf, torch.nan, -(2.0**-149)])
    return x


def slow(settings: Settings) -> Settings:
    """Return the settings with the same rounding, which promises nothing."""
    return replace(settings, rounding=replace(settings.rounding, is_half_even=False))


@pytest.mark.parametrize(
    "dtype", ["fp8_e4m3", "bfloat16", "float16", "mx", FloatFormat(5, 10), FloatFormat(2, 1, "none")]
)
def test_a_promise_of_half_even_does_not_change_a_bit(make: Make, dtype: str | FloatFormat) -> None:
    x, settings = specials(), make(dtype)
    params = (
        qf.QParams(torch.ones(1), torch.zeros(1)) if settings.dtype.scaled and not settings.dtype.is_block else None
    )
    fast, general = (qf.quantize_dequantize(x, each, params) for each in (settings, slow(settings)))
    assert torch.equal(fast.isnan(), general.isnan())
    assert torch.equal(fast.nan_to_num(0).view(torch.int32), general.nan_to_num(0).view(torch.int32))


@pytest.mark.parametrize("zero_point", [0.0, 3.0])
def test_zero_points_that_differ_give_what_equal_ones_give(make: Make, zero_point: float) -> None:
    x = torch.randn(2, 1000, generator=torch.Generator().manual_seed(0))
    settings = make("uint8", qscheme="per_channel", axis=0, symmetric=False)
    zero_points = torch.tensor([zero_point, zero_point])
    equal = qf.quantize_dequantize(x, settings, qf.QParams(torch.full((2,), 0.01), zero_points))
    zero_points = torch.tensor([zero_point, 128.0])
    mixed = qf.quantize_dequantize(x, settings, qf.QParams(torch.full((2,), 0.01), zero_points))
    assert torch.equal(mixed[0].view(torch.int32), equal[0].view(torch.int32))


def allocated(call: Callable[[], object]) -> int:
    """Return the bytes that ``call`` allocates in all, those it frees at once included."""
    call()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as events:
        call()
    return sum(max(0, event.self_cpu_memory_usage) for event in events.events() or [])


@pytest.mark.parametrize("dtype", ["int8", "fp8_e4m3", "bfloat16", "float16"])
def test_memory_beyond_the_result_does_not_grow_with_the_tensor(make: Make, dtype: str) -> None:
    settings = make(dtype)
    params = qf.QParams(torch.ones(1), torch.zeros(1)) if settings.dtype.scaled else None
    x = torch.randn(4 * MIB)
    assert allocated(lambda: qf.quantize_dequantize(x, settings, params, out=x)) < 4 * MIB
