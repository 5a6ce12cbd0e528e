import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import quark_core.functional as qf
from quark_core.errors import DataError
from quark_core.plugin.formats import IntFormat
from quark_core.plugin.settings import Settings

Make = Callable[..., Settings]
ROUNDINGS = ["half_even", "round", "floor"]
INTEGERS = ["int8", "uint8", "int4", "uint4"]
CODES = {"int8": (-128, 127), "uint8": (0, 255), "int4": (-8, 7), "uint4": (0, 15)}


def params(scale: float, zero: float = 0.0) -> qf.QParams:
    return qf.QParams(torch.tensor([scale]), torch.tensor([float(zero)]))


def rounded(value: Fraction, rounding: str) -> int:
    if rounding == "floor":
        return math.floor(value)
    if rounding == "half_even":
        return round(value)
    return math.floor(abs(value) + Fraction(1, 2)) * (1 if value > 0 else -1)


def reference(x: float, scale: float, zero: float, rounding: str, codes: tuple[int, int]) -> tuple[int, np.float32]:
    """Return the code and the value, by rational arithmetic on the IEEE quotient."""
    quotient = np.float32(x) / np.float32(scale)
    code = rounded(Fraction(float(quotient)), rounding) + int(zero)
    code = min(max(code, codes[0]), codes[1])
    return code, np.float32(code - int(zero)) * np.float32(scale)


def assert_matches(settings: Settings, xs: list[float], scale: float, zero: float) -> None:
    expected = [reference(x, scale, zero, settings.rounding.name, CODES[settings.dtype.name]) for x in xs]
    x = torch.tensor(xs, dtype=torch.float32)
    codes = qf.quantize(x, settings, params(scale, zero))
    assert codes.tolist() == [code for code, _ in expected]
    values = qf.quantize_dequantize(x, settings, params(scale, zero))
    assert values.numpy().tobytes() == np.array([value for _, value in expected], np.float32).tobytes()
    assert qf.dequantize(codes, settings, params(scale, zero)).numpy().tobytes() == values.numpy().tobytes()


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("zero", [0, 3])
@pytest.mark.parametrize("scale", [1.0, 0.25, 0.1, 0.051230982, 1 / 3, 2.0**-126, 1e30])
def test_every_code_and_tie(make: Make, dtype: str, rounding: str, zero: int, scale: float) -> None:
    low, high = CODES[dtype]
    scale = float(np.float32(scale))
    near = [np.float32(code / 2) * np.float32(scale) for code in range(2 * (low - 5), 2 * (high + 5))]
    xs = [
        float(y) for x in near for y in (np.nextafter(x, -np.float32(np.inf)), x, np.nextafter(x, np.float32(np.inf)))
    ]
    assert_matches(make(dtype, rounding), xs, scale, zero)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@given(
    xs=st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1),
    scale=st.floats(2.0**-126, 2.0**100, width=32),
    zero=st.integers(-128, 127),
)
def test_any_value(make: Make, rounding: str, xs: list[float], scale: float, zero: int) -> None:
    xs = [x for x in xs if abs(x) / scale < 3e38]
    assert_matches(make("int8", rounding), xs, scale, zero)


def test_true_division_not_multiplication_by_the_reciprocal(make: Make) -> None:
    value = qf.quantize_dequantize(torch.tensor([-6.429488]), make("int8"), params(0.051230982))
    assert value.item() == pytest.approx(-6.45510, abs=1e-5)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("dtype", INTEGERS)
def test_specials(make: Make, dtype: str, rounding: str) -> None:
    low, high = CODES[dtype]
    x = torch.tensor([math.nan, math.inf, -math.inf, -0.0, 3e38, -3e38])
    y = qf.quantize_dequantize(x, make(dtype, rounding), params(0.5))
    assert y[0].isnan()
    assert y[1:].tolist() == [high / 2, low / 2, 0.0, high / 2, low / 2]
    assert not y[3].signbit()


def test_nan_has_no_code(make: Make) -> None:
    with pytest.raises(DataError, match="holds NaN"):
        qf.quantize(torch.tensor([1.0, math.nan]), make("int8"), params(1.0))


@pytest.mark.parametrize(("bits", "signed"), [(1, False), (2, True), (9, True), (12, False), (16, True), (16, False)])
def test_other_widths(make: Make, bits: int, signed: bool) -> None:
    fmt = IntFormat(bits, signed=signed)
    values = torch.arange(fmt.qmin, fmt.qmax + 1).float()
    settings = make(fmt)
    codes = qf.quantize(values, settings, params(1.0))
    assert codes.dtype == (torch.int16 if bits > 8 else torch.int8 if signed else torch.uint8)
    assert torch.equal(qf.dequantize(codes, settings, params(1.0)), values)
    assert torch.equal(
        qf.quantize_dequantize(values * 2 + 0.25, settings, params(1.0)), (values * 2).clamp(fmt.qmin, fmt.qmax)
    )
