import math
from collections.abc import Callable
from typing import Any

import gfloat
import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest
import torch
from gfloat import formats
from hypothesis import given
from hypothesis import strategies as st

import quark_core.functional as qf
from quark_core.errors import DataError
from quark_core.plugin.formats import FloatFormat
from quark_core.plugin.settings import Settings

Make = Callable[..., Settings]
Floats = npt.NDArray[np.float32]
MODES = {
    "half_even": gfloat.RoundMode.TiesToEven,
    "round": gfloat.RoundMode.TiesToAway,
    "floor": gfloat.RoundMode.TowardNegative,
}
FORMATS: dict[str, tuple[FloatFormat, Any, Any]] = {
    "e4m3": (FloatFormat(4, 3, "fn"), ml_dtypes.float8_e4m3fn, formats.format_info_ocp_e4m3),
    "e5m2": (FloatFormat(5, 2), ml_dtypes.float8_e5m2, formats.format_info_ocp_e5m2),
    "e3m2": (FloatFormat(3, 2, "none"), ml_dtypes.float6_e3m2fn, formats.format_info_ocp_e3m2),
    "e2m3": (FloatFormat(2, 3, "none"), ml_dtypes.float6_e2m3fn, formats.format_info_ocp_e2m3),
    "e2m1": (FloatFormat(2, 1, "none"), ml_dtypes.float4_e2m1fn, formats.format_info_ocp_e2m1),
}
ONE = qf.QParams(torch.ones(1), torch.zeros(1))


def values_of(name: str) -> Floats:
    fmt, dtype, _ = FORMATS[name]
    values: Floats = np.arange(1 << fmt.bits, dtype=np.uint8).view(dtype).astype(np.float32)
    return values


def inputs(name: str) -> Floats:
    """Every bfloat16 and float16 pattern, and every tie of the format with its float32 neighbours."""
    every = np.arange(1 << 16, dtype=np.uint16)
    finite = np.sort(values_of(name)[np.isfinite(values_of(name))]).astype(np.float64)
    ties = ((finite[1:] + finite[:-1]) / 2).astype(np.float32)
    around = [np.nextafter(ties, np.float32(side)) for side in (-np.inf, np.inf)]
    with np.errstate(invalid="ignore"):
        patterns = [every.view(ml_dtypes.bfloat16).astype(np.float32), every.view(np.float16).astype(np.float32)]
    return np.concatenate([*patterns, ties, *around])


def same(actual: Floats, expected: Floats) -> bool:
    nans = np.isnan(expected)
    return bool(np.array_equal(np.isnan(actual), nans)) and actual[~nans].tobytes() == expected[~nans].tobytes()


@pytest.mark.parametrize("rounding", MODES)
@pytest.mark.parametrize("name", FORMATS)
def test_every_pattern_and_tie_as_gfloat(make: Make, name: str, rounding: str) -> None:
    fmt, _, info = FORMATS[name]
    x = inputs(name)
    nans = np.isnan(x)
    expected = np.full_like(x, np.nan)
    expected[~nans] = gfloat.round_ndarray(info, x[~nans].astype(np.float64), MODES[rounding], sat=True)
    actual = qf.quantize_dequantize(torch.from_numpy(x), make(fmt, rounding), ONE)
    assert same(actual.numpy(), expected)


@pytest.mark.parametrize("name", FORMATS)
def test_every_pattern_and_tie_as_ml_dtypes(make: Make, name: str) -> None:
    fmt, dtype, _ = FORMATS[name]
    x = inputs(name)
    x = x[~np.isnan(x)]
    limit = np.nanmax(np.where(np.isinf(values_of(name)), np.nan, values_of(name)))
    codes = x.clip(-limit, limit).astype(dtype)
    actual = qf.quantize_dequantize(torch.from_numpy(x), make(fmt), ONE)
    assert same(actual.numpy(), codes.astype(np.float32))
    assert qf.quantize(torch.from_numpy(x), make(fmt), ONE).numpy().tobytes() == codes.view(np.uint8).tobytes()


def test_fp8_e4m3_as_torch(make: Make) -> None:
    x = torch.from_numpy(inputs("e4m3"))
    expected = x.clamp(-448, 448).to(torch.float8_e4m3fn).float()
    assert same(qf.quantize_dequantize(x, make("fp8_e4m3"), ONE).numpy(), expected.numpy())


@pytest.mark.parametrize("name", FORMATS)
def test_every_code_decodes_as_ml_dtypes_and_encodes_back(make: Make, name: str) -> None:
    fmt, _, _ = FORMATS[name]
    codes = torch.arange(1 << fmt.bits, dtype=torch.uint8)
    values = qf.dequantize(codes, make(fmt), ONE)
    assert same(values.numpy(), values_of(name))
    finite = values.isfinite()
    assert torch.equal(qf.quantize(values[finite], make(fmt), ONE), codes[finite])


@pytest.mark.parametrize(("name", "nan_code"), [("e4m3", 0x7F), ("e5m2", 0x7E)])
def test_nan_has_a_code(make: Make, name: str, nan_code: int) -> None:
    x = torch.tensor([math.nan, -math.nan, 1.0])
    codes = qf.quantize(x, make(FORMATS[name][0]), ONE)
    assert codes[:2].tolist() == [nan_code, nan_code]
    assert qf.dequantize(codes, make(FORMATS[name][0]), ONE).isnan().tolist() == [True, True, False]


@pytest.mark.parametrize("name", ["e3m2", "e2m3", "e2m1"])
def test_formats_without_nan_refuse_it(make: Make, name: str) -> None:
    with pytest.raises(DataError, match="holds NaN"):
        qf.quantize(torch.tensor([math.nan]), make(FORMATS[name][0]), ONE)


@pytest.mark.parametrize("fmt", [FloatFormat(2, 5, "none", bias=141), FloatFormat(4, 3, "none", bias=-20)], ids=str)
@pytest.mark.parametrize("rounding", MODES)
def test_unusual_biases(make: Make, fmt: FloatFormat, rounding: str) -> None:
    info = gfloat.FormatInfo(
        name="example",
        k=fmt.bits,
        precision=fmt.mantissa_bits + 1,
        bias=fmt.exponent_bias,
        is_signed=True,
        domain=gfloat.Domain.Finite,
        has_nz=True,
        num_high_nans=0,
        has_subnormals=True,
        is_twos_complement=False,
    )
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 1 << 32, 100_000, dtype=np.uint32)
    x = bits.view(np.float32)
    x = np.concatenate([x[np.isfinite(x)], np.array([2.0**-149, -(2.0**-149)], np.float32)])
    expected = gfloat.round_ndarray(info, x.astype(np.float64), MODES[rounding], sat=True).astype(np.float32)
    actual = qf.quantize_dequantize(torch.from_numpy(x), make(fmt, rounding), ONE)
    assert same(actual.numpy(), expected)
    codes = qf.quantize(torch.from_numpy(x), make(fmt, rounding), ONE)
    assert same(qf.dequantize(codes, make(fmt, rounding), ONE).numpy(), expected)


@pytest.mark.parametrize("mantissa_bits", range(8, 13))
def test_half_even_beside_powers_of_two(make: Make, mantissa_bits: int) -> None:
    fmt = FloatFormat(3, mantissa_bits, "none")
    step = np.float32(2.0 ** (-mantissa_bits - 3))
    x = np.concatenate([base + np.arange(-4096, 4096, dtype=np.float32) * step for base in (1.0, 2.0, 4.0)])
    x = x.astype(np.float32)
    ulp = 2.0 ** (np.maximum(np.frexp(x.astype(np.float64))[1] - 1, fmt.emin) - mantissa_bits)
    expected = (np.rint(x / ulp) * ulp).astype(np.float32)
    assert same(qf.quantize_dequantize(torch.from_numpy(x), make(fmt), ONE).numpy(), expected)


@pytest.mark.parametrize("bias", [7, 40, 120])
def test_overflow_of_formats_below_one(make: Make, bias: int) -> None:
    fmt = FloatFormat(4, 3, bias=bias, overflow="infinity")
    largest = np.float32(fmt.max)
    x = np.array([largest, largest * np.float32(1.03), largest * np.float32(1.2), -np.inf, fmt.max / 2], np.float32)
    expected = np.array([largest, largest, np.inf, -np.inf, fmt.max / 2], np.float32)
    assert same(qf.quantize_dequantize(torch.from_numpy(x), make(fmt), ONE).numpy(), expected)


@pytest.mark.parametrize("rounding", MODES)
def test_scaled(make: Make, rounding: str) -> None:
    x = (torch.randn(1000, generator=torch.Generator().manual_seed(0)) * 5).numpy()
    scale = np.float32(0.0123)
    expected = gfloat.round_ndarray(
        formats.format_info_ocp_e4m3, (x / scale).astype(np.float64), MODES[rounding], sat=True
    ).astype(np.float32)
    params = qf.QParams(torch.tensor([scale]), torch.zeros(1))
    actual = qf.quantize_dequantize(torch.from_numpy(x), make("fp8_e4m3", rounding), params)
    assert same(actual.numpy(), expected * scale)


@pytest.mark.parametrize("mantissa_bits", [2, 3, 4])
def test_codes_with_infinity_as_ml_dtypes(make: Make, mantissa_bits: int) -> None:
    exponent_bits = 7 - mantissa_bits
    dtype = getattr(ml_dtypes, f"float8_e{exponent_bits}m{mantissa_bits}")
    fmt = FloatFormat(exponent_bits, mantissa_bits, overflow="infinity")
    x = np.concatenate([inputs("e5m2"), np.array([np.inf, -np.inf], np.float32)])
    x = x[~np.isnan(x)]
    expected = x.astype(dtype)
    codes = qf.quantize(torch.from_numpy(x), make(fmt), ONE)
    assert codes.numpy().tobytes() == expected.view(np.uint8).tobytes()
    assert same(qf.dequantize(codes, make(fmt), ONE).numpy(), expected.astype(np.float32))


@st.composite
def float_formats(draw: st.DrawFn) -> FloatFormat:
    exponent_bits = draw(st.integers(2, 8))
    mantissa_bits = draw(st.integers(1, 15 - exponent_bits))
    middle = (1 << (exponent_bits - 1)) - 1
    bias = draw(st.integers(max(middle - 90, (1 << exponent_bits) - 128), min(middle + 90, 150 - mantissa_bits)))
    return FloatFormat(exponent_bits, mantissa_bits, draw(st.sampled_from(["ieee", "fn", "none"])), bias)


@given(fmt=float_formats(), rounding=st.sampled_from(list(MODES)))
def test_every_code_of_any_format_comes_back(make: Make, fmt: FloatFormat, rounding: str) -> None:
    codes = torch.arange(1 << fmt.bits).to(torch.uint8 if fmt.bits <= 8 else torch.int16)
    values = qf.dequantize(codes, make(fmt, rounding), ONE)
    finite = values.isfinite()
    assert int(finite.sum()) >= (1 << fmt.bits) * 3 // 4 - 2
    assert torch.equal(qf.quantize(values[finite], make(fmt, rounding), ONE), codes[finite])
