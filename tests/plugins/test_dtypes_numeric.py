"""Every bundled dtype against ml_dtypes, gfloat or exact arithmetic, over every bfloat16 and float16 pattern."""

from __future__ import annotations

from fractions import Fraction

import gfloat
import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest
import torch
from gfloat import formats

import quark_core.functional as qf
from quark_core.config.models import TensorConfig
from quark_core.plugin import CodebookFormat, FloatFormat, IntFormat
from quark_dtypes import DTYPES

Floats = npt.NDArray[np.float32]

# name -> ml_dtypes type, gfloat format, largest value in the standard's table
FLOATS = {
    "fp8_e4m3": (ml_dtypes.float8_e4m3fn, formats.format_info_ocp_e4m3, 448.0),
    "fp8_e5m2": (ml_dtypes.float8_e5m2, formats.format_info_ocp_e5m2, 57344.0),
    "fp6_e3m2": (ml_dtypes.float6_e3m2fn, formats.format_info_ocp_e3m2, 28.0),
    "fp6_e2m3": (ml_dtypes.float6_e2m3fn, formats.format_info_ocp_e2m3, 7.5),
    "fp4_e2m1": (ml_dtypes.float4_e2m1fn, formats.format_info_ocp_e2m1, 6.0),
}
MODES = {
    "half_even": gfloat.RoundMode.TiesToEven,
    "round": gfloat.RoundMode.TiesToAway,
    "floor": gfloat.RoundMode.TowardNegative,
}
BY_NAME = {spec.name: spec for spec in DTYPES}


def patterns() -> Floats:
    """All bfloat16 and float16 values, NaN left out, and the float32 neighbours of each float16."""
    bits = np.arange(1 << 16, dtype=np.uint16)
    half = bits.view(np.float16).astype(np.float32)
    half = half[~np.isnan(half)]
    up, down = (np.nextafter(half, np.float32(toward)) for toward in (np.inf, -np.inf))
    wide = bits.view(ml_dtypes.bfloat16).astype(np.float32)
    return np.asarray(np.concatenate([wide[~np.isnan(wide)], half, up, down]), np.float32)


def at_scale_one(name: str, x: Floats, rounding: str = "half_even") -> Floats:
    config = TensorConfig(dtype=name, round_method=rounding)
    one = qf.QParams(torch.ones(1), torch.zeros(1))
    return np.asarray(qf.quantize_dequantize(torch.from_numpy(x), config, one).numpy())


def same_bits(actual: Floats, expected: Floats) -> int:
    return int((actual.view(np.uint32) != expected.astype(np.float32).view(np.uint32)).sum())


@pytest.mark.parametrize("name", FLOATS)
def test_floats_agree_with_ml_dtypes(name: str) -> None:
    dtype, _, largest = FLOATS[name]
    x = patterns()
    assert same_bits(at_scale_one(name, x), np.clip(x, -largest, largest).astype(dtype).astype(np.float32)) == 0


@pytest.mark.parametrize("rounding", MODES)
@pytest.mark.parametrize("name", FLOATS)
def test_floats_agree_with_gfloat_in_every_rounding(name: str, rounding: str) -> None:
    x = patterns()
    expected = gfloat.round_ndarray(FLOATS[name][1], x.astype(np.float64), MODES[rounding], sat=True)
    assert same_bits(at_scale_one(name, x, rounding), expected) == 0


@pytest.mark.parametrize("name", FLOATS)
def test_the_codes_of_floats_are_those_of_ml_dtypes(name: str) -> None:
    dtype, _, largest = FLOATS[name]
    values = np.clip(patterns(), -largest, largest)
    codes = qf.quantize(torch.from_numpy(values), TensorConfig(dtype=name), qf.QParams(torch.ones(1), torch.zeros(1)))
    bits = BY_NAME[name].format.bits
    assert int((codes.numpy() != values.astype(dtype).view(np.uint8) & ((1 << bits) - 1)).sum()) == 0


@pytest.mark.parametrize("name", [spec.name for spec in DTYPES if isinstance(spec.format, IntFormat)])
def test_integers_have_the_range_of_their_name(name: str) -> None:
    bits, signed = int(name.lstrip("uint")), not name.startswith("u")
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    x = np.array([low - 9, low, low + 1, -1, 0, 1, high - 1, high, high + 9], np.float32)
    assert at_scale_one(name, x).tolist() == np.clip(x, low, high).tolist()


def test_nf4_takes_the_nearest_of_its_values() -> None:
    fmt = BY_NAME["nf4"].format
    assert isinstance(fmt, CodebookFormat)
    values = [Fraction(float(np.float32(value))) for value in fmt.values]
    x = np.random.default_rng(0).uniform(-1.2, 1.2, 4096).astype(np.float32)
    nearest = [float(min(values, key=lambda v: abs(v - Fraction(float(item))))) for item in x]
    assert at_scale_one("nf4", x).tolist() == nearest


def test_every_float_dtype_is_compared() -> None:
    scaled = {spec.name for spec in DTYPES if isinstance(spec.format, FloatFormat) and spec.scaled}
    assert scaled == set(FLOATS)
