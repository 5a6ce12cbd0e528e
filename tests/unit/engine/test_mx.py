"""MX blocks against a reference in float64 that takes exponents from math.frexp and elements from gfloat."""

import math
from collections.abc import Callable

import gfloat
import numpy as np
import numpy.typing as npt
import pytest
import torch
from gfloat import formats

import quark_core.functional as qf
from quark_core.plugin.formats import BlockFormat, FloatFormat
from quark_core.plugin.settings import Settings

Make = Callable[..., Settings]
Floats = npt.NDArray[np.float32]
MODES = {
    "half_even": gfloat.RoundMode.TiesToEven,
    "round": gfloat.RoundMode.TiesToAway,
    "floor": gfloat.RoundMode.TowardNegative,
}
E4M3, E2M1 = FloatFormat(4, 3, "fn"), FloatFormat(2, 1, "none")
ELEMENTS = {"e4m3": (E4M3, formats.format_info_ocp_e4m3, 8), "e2m1": (E2M1, formats.format_info_ocp_e2m1, 2)}


def reference(x: Floats, element: str, rounding: str) -> Floats:
    _, info, emax = ELEMENTS[element]
    result = np.empty_like(x)
    for block in range(len(x)):
        if np.isnan(x[block]).any():
            result[block] = np.nan
            continue
        amax = min(float(np.abs(x[block]).max()), float(np.finfo(np.float32).max))
        exponent = max(math.frexp(amax)[1] - 1 - emax, -127) if amax else -127
        # The quotient is a float32: what is so small that it underflows counts as 0, for floor too.
        scaled = np.ldexp(x[block].astype(np.float64), -exponent).astype(np.float32).astype(np.float64)
        result[block] = np.ldexp(gfloat.round_ndarray(info, scaled, MODES[rounding], sat=True), exponent)
    return result


def check(make: Make, x: Floats, element: str, rounding: str) -> None:
    fmt = BlockFormat(ELEMENTS[element][0], block_size=x.shape[1])
    actual = qf.quantize_dequantize(torch.from_numpy(x), make(fmt, rounding)).numpy()
    expected = reference(x, element, rounding)
    nans = np.isnan(expected)
    assert np.array_equal(np.isnan(actual), nans)
    assert actual[~nans].tobytes() == expected[~nans].tobytes()


@pytest.mark.parametrize("rounding", MODES)
@pytest.mark.parametrize("element", ELEMENTS)
def test_power_of_two_boundaries(make: Make, element: str, rounding: str) -> None:
    powers = np.ldexp(np.float32(1), np.arange(-149, 128)).astype(np.float32)
    above = np.nextafter(powers, np.float32(np.inf))
    below = np.nextafter(powers, np.float32(0))
    tops = np.concatenate([powers, below, above, -powers, -below, -above])
    rest = np.random.default_rng(1).uniform(-1, 1, (len(tops), 31)).astype(np.float32)
    check(make, np.concatenate([tops[:, None], rest * np.abs(tops[:, None])], 1), element, rounding)


@pytest.mark.parametrize("rounding", MODES)
@pytest.mark.parametrize("element", ELEMENTS)
def test_random_bits(make: Make, element: str, rounding: str) -> None:
    bits = np.random.default_rng(2).integers(0, 1 << 32, (500, 32), dtype=np.uint32)
    check(make, bits.view(np.float32), element, rounding)


@pytest.mark.parametrize("rounding", MODES)
@pytest.mark.parametrize("element", ELEMENTS)
def test_zeros_nan_and_infinity(make: Make, element: str, rounding: str) -> None:
    rows = [
        [0.0, -0.0, 0.0, -0.0],
        [1.0, math.nan, 2.0, 3.0],
        [1.0, math.inf, -3e38, 2.0],
        [-math.inf, math.inf, 0.0, 1e-3],
        [2.0**-119, -(2.0**-120), 2.0**-140, 0.0],
        [2.0**-149, -(2.0**-149), 2.0**-148, 0.0],
        [3.4028235e38, -3.4028235e38, 1.0, 0.0],
    ]
    check(make, np.array(rows, np.float32), element, rounding)


def test_a_scale_of_two_to_the_minus_127_is_exact(make: Make) -> None:
    x = torch.zeros(32)
    x[:3] = torch.tensor([448.0, -1.5, 2.0**-9]) * 2.0**-127
    assert qf.dynamic_parameters(x, make("mx")).scale.tolist() == [2.0**-127]
    assert torch.equal(qf.quantize_dequantize(x, make("mx")), x)


def test_codes_and_scales_give_the_values_back(make: Make) -> None:
    x = torch.randn(8, 4, 64, generator=torch.Generator().manual_seed(0))
    x[0, 0, 5] = torch.nan
    settings = make("mx")
    params = qf.dynamic_parameters(x, settings)
    codes, scales = qf.quantize(x, settings, params), qf.encode_e8m0(params.scale)
    assert (codes.dtype, codes.shape, scales.dtype, scales.shape) == (torch.uint8, x.shape, torch.uint8, (64,))
    again = qf.dequantize(codes, settings, qf.QParams(qf.decode_e8m0(scales), torch.zeros(64)))
    assert again[0, 0, :32].isnan().all()
    assert torch.equal(again.nan_to_num(), qf.quantize_dequantize(x, settings).nan_to_num())


def test_ranges_give_the_same_scales(make: Make) -> None:
    x = torch.randn(4, 64)
    blocks = x.reshape(-1, 32)
    params = qf.parameters(blocks.amin(1), blocks.amax(1), make("mx"))
    assert torch.equal(params.scale, qf.dynamic_parameters(x, make("mx")).scale)
