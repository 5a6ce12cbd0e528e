import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quark_core.config.type import ScaleType
from quark_core.engine.scales import params_from_range, power_of_two
from quark_core.errors import DataError
from quark_core.plugin.formats import CodebookFormat, CodecFormat, Format, IntFormat
from quark_core.plugin.ref import Ref
from quark_core.plugin.settings import Settings

Make = Callable[..., Settings]
FLOAT_MAX = float(np.finfo(np.float32).max)
floats = st.floats(-FLOAT_MAX, FLOAT_MAX, width=32)


def scale_and_zero(settings: Settings, lo: float, hi: float) -> tuple[float, float]:
    params = params_from_range(torch.tensor([lo]), torch.tensor([hi]), settings)
    assert params.scale.dtype == params.zero_point.dtype == torch.float32
    return params.scale.item(), params.zero_point.item()


@pytest.mark.parametrize(
    ("dtype", "largest"),
    [
        ("int8", 127.0),
        ("uint8", 255.0),
        ("int4", 7.0),
        ("uint4", 15.0),
        ("fp8_e4m3", 448.0),
        (CodebookFormat((-0.75, 0.0, 0.5)), 0.75),
        (CodecFormat(4, 3.5, Ref("none:None")), 3.5),
    ],
    ids=str,
)
@given(lo=floats, hi=floats)
def test_symmetric(make: Make, dtype: str | Format, largest: float, lo: float, hi: float) -> None:
    scale, zero = scale_and_zero(make(dtype), lo, hi)
    amax = max(abs(lo), abs(hi))
    assert zero == 0.0
    if amax > FLOAT_MAX * min(largest, 1) * 0.87:
        assert amax / largest * 0.7 < scale <= min(amax / largest * 1.001, FLOAT_MAX)
    else:
        expected = np.float32(amax) / np.float32(largest) if amax else np.float32(1)
        assert scale == max(float(expected), 2.0**-126)


@given(a=floats, b=floats, bits=st.integers(2, 16), signed=st.booleans())
def test_asymmetric(make: Make, a: float, b: float, bits: int, signed: bool) -> None:
    lo, hi = min(a, b), max(a, b)
    fmt = IntFormat(bits, signed=signed)
    scale, zero = scale_and_zero(make(fmt, symmetric=False), lo, hi)
    low, high = Fraction(min(lo, 0.0)), Fraction(max(hi, 0.0))
    exact = (high - low) / (fmt.qmax - fmt.qmin)
    # Where a code's value would exceed float32.
    lowered = high - low > Fraction(FLOAT_MAX) * 999 / 1000
    if low == high:
        assert scale == 1.0
    else:
        assert scale == pytest.approx(max(float(exact), 2.0**-126), rel=0.3 if lowered else 2.0**-23)
    assert fmt.qmin <= zero <= fmt.qmax
    if exact > 2.0**-126 and not lowered:
        near = Fraction(fmt.qmin) - low / Fraction(scale)
        assert abs(Fraction(zero) - sorted((Fraction(fmt.qmin), near, Fraction(fmt.qmax)))[1]) <= Fraction(
            1, 2
        ) + Fraction(1, 10**9)


@given(
    ends=st.tuples(floats, floats), kind=st.sampled_from(ScaleType), symmetric=st.booleans(), bits=st.integers(2, 16)
)
def test_every_code_of_every_range_is_finite(
    make: Make, ends: tuple[float, float], kind: ScaleType, symmetric: bool, bits: int
) -> None:
    fmt = IntFormat(bits)
    scale, zero = scale_and_zero(make(fmt, symmetric=symmetric, scale_type=kind), min(ends), max(ends))
    assert 2.0**-126 <= scale < math.inf
    for code in (fmt.qmin, fmt.qmax):
        assert abs(float(np.float64(scale) * (code - zero))) <= FLOAT_MAX
    if kind is ScaleType.pof2:
        assert math.frexp(scale)[0] == 0.5


@pytest.mark.parametrize(("lo", "hi"), [(-FLOAT_MAX, FLOAT_MAX), (0.0, FLOAT_MAX), (-FLOAT_MAX, 0.0)])
@pytest.mark.parametrize("symmetric", [True, False])
def test_the_largest_range(make: Make, lo: float, hi: float, symmetric: bool) -> None:
    scale, zero = scale_and_zero(make("int8", symmetric=symmetric), lo, hi)
    width = (hi - lo) / 255 if not symmetric else FLOAT_MAX / 127
    assert scale == pytest.approx(width, rel=0.01)
    assert np.isfinite(np.float32(-128 - zero) * np.float32(scale))


@pytest.mark.parametrize("exponent", [-126, -100, -1, 0, 1, 126])
def test_power_of_two_turns_at_the_square_root_of_two(exponent: int) -> None:
    root = np.float32(math.ldexp(math.sqrt(2), exponent))
    below = (
        root
        if Fraction(float(root)) ** 2 < Fraction(2) * Fraction(4) ** exponent
        else np.nextafter(root, np.float32(0))
    )
    above = np.nextafter(below, np.float32(np.inf))
    assert Fraction(float(below)) ** 2 < Fraction(2) * Fraction(4) ** exponent < Fraction(float(above)) ** 2
    given_scales = torch.tensor([2.0**exponent, below, above])
    assert power_of_two(given_scales).tolist() == [2.0**exponent, 2.0**exponent, 2.0 ** (exponent + 1)]


def test_power_of_two_stays_normal() -> None:
    assert power_of_two(torch.tensor([2.0**-126, FLOAT_MAX])).tolist() == [2.0**-126, 2.0**127]


@given(st.floats(2.0**-126, FLOAT_MAX / 2, width=32))
def test_power_of_two_is_the_nearest_in_logarithm(scale: float) -> None:
    power = Fraction(power_of_two(torch.tensor([scale])).item())
    exact = Fraction(scale)
    assert power**2 / 2 < exact**2 < power**2 * 2


def test_a_subnormal_range_has_the_smallest_scale(make: Make) -> None:
    assert scale_and_zero(make("int8"), 0.0, 2.0**-149)[0] == 2.0**-126
    assert scale_and_zero(make("int8", symmetric=False), 0.0, 2.0**-149) == (2.0**-126, -128.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_range_must_be_finite(make: Make, bad: float) -> None:
    with pytest.raises(DataError, match="NaN or infinity"):
        scale_and_zero(make("int8"), 0.0, bad)
