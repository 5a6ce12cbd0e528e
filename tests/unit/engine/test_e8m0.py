import math
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quark_core.config.scaling import ScaleRule
from quark_core.engine.e8m0 import decode_e8m0, encode_e8m0, shared_scale
from quark_core.errors import UsageError
from quark_core.plugin.formats import BlockFormat, FloatFormat, IntFormat

E4M3 = FloatFormat(4, 3, "fn")
ELEMENTS: dict[str, tuple[FloatFormat | IntFormat, int, float]] = {
    "e4m3": (E4M3, 8, 448.0),
    "e5m2": (FloatFormat(5, 2), 15, 57344.0),
    "e3m2": (FloatFormat(3, 2, "none"), 4, 28.0),
    "e2m3": (FloatFormat(2, 3, "none"), 2, 7.5),
    "e2m1": (FloatFormat(2, 1, "none"), 2, 6.0),
    "int8": (IntFormat(8), 0, 127 / 64),
}
"""Element, exponent of its largest value, and that value: OCP MX 1.0, table 1."""


def top_exponent(element: FloatFormat | IntFormat) -> int:
    """-2 * 2^127 is no float32, so integer elements stop one exponent below."""
    return 126 if isinstance(element, IntFormat) else 127


def test_codes_are_those_of_ml_dtypes() -> None:
    codes = np.arange(256, dtype=np.uint8)
    expected = codes.view(ml_dtypes.float8_e8m0fnu).astype(np.float64)
    decoded = decode_e8m0(torch.from_numpy(codes))
    assert np.array_equal(decoded.double().numpy(), expected, equal_nan=True)
    assert torch.equal(encode_e8m0(decoded), torch.from_numpy(codes))


@pytest.mark.parametrize("bad", [0.0, -1.0, 3.0, math.inf, 2.0**-128])
def test_only_powers_of_two_have_codes(bad: float) -> None:
    with pytest.raises(UsageError, match="powers of two"):
        encode_e8m0(torch.tensor([1.0, bad]))


@given(st.floats(2.0**-149, float(np.finfo(np.float32).max), width=32), st.sampled_from(sorted(ELEMENTS)))
def test_floor_takes_the_exponent_of_frexp(amax: float, name: str) -> None:
    element, emax, _ = ELEMENTS[name]
    exponent = min(max(math.frexp(amax)[1] - 1 - emax, -127), top_exponent(element))
    assert shared_scale(torch.tensor([amax]), BlockFormat(element)).item() == math.ldexp(1.0, exponent)


@given(st.floats(2.0**-149, float(np.finfo(np.float32).max), width=32), st.sampled_from(sorted(ELEMENTS)))
def test_rceil_is_the_smallest_power_that_clips_nothing(amax: float, name: str) -> None:
    element, _, largest = ELEMENTS[name]
    exponent = -200
    while Fraction(2) ** exponent * Fraction(largest) < Fraction(amax):
        exponent += 1
    expected = math.ldexp(1.0, min(max(exponent, -127), top_exponent(element)))
    assert shared_scale(torch.tensor([amax]), BlockFormat(element), ScaleRule.rceil).item() == expected


@given(st.floats(2.0**-149, 2.0**127, width=32), st.sampled_from(sorted(ELEMENTS)))
def test_even_rounds_amax_to_the_mantissa_first(amax: float, name: str) -> None:
    element, emax, _ = ELEMENTS[name]
    mantissa_bits = element.mantissa_bits if isinstance(element, FloatFormat) else element.bits - 2
    exponent = math.frexp(amax)[1] - 1
    # Half a unit in the last place of the mantissa below the next power of two, or more, carries into the exponent.
    carries = Fraction(amax) / Fraction(2) ** exponent >= 2 - Fraction(1, 2 ** (mantissa_bits + 1))
    expected = math.ldexp(1.0, min(max(exponent + carries - emax, -127), top_exponent(element)))
    assert shared_scale(torch.tensor([amax]), BlockFormat(element), ScaleRule.even).item() == expected


@pytest.mark.parametrize("exponent", range(-126, 128))
def test_powers_of_two_and_their_neighbours(exponent: int) -> None:
    power = np.float32(math.ldexp(1.0, exponent))
    amax = torch.tensor([np.nextafter(power, np.float32(0)), power, np.nextafter(power, np.float32(np.inf))])
    down, at = (math.ldexp(1.0, max(e - 8, -127)) for e in (exponent - 1, exponent))
    assert shared_scale(amax, BlockFormat(E4M3)).tolist() == [down, at, at]


@pytest.mark.parametrize("rule", [ScaleRule.floor, ScaleRule.even, ScaleRule.rceil])
def test_zero_infinity_and_nan(rule: ScaleRule) -> None:
    scale = shared_scale(torch.tensor([0.0, math.inf, math.nan]), BlockFormat(E4M3), rule)
    # The largest float32 is 2^128 less an ulp: rounding it up gives one exponent more.
    assert scale[:2].tolist() == [2.0**-127, 2.0**119 if rule is ScaleRule.floor else 2.0**120]
    assert scale[2].isnan()
