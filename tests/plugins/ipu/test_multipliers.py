"""What stands for a reciprocal: the hardware's own for some windows, else the nearest m / 2^k."""

from fractions import Fraction

import pytest

from quark_core.errors import DeviceError
from quark_ipu.multipliers import Multiplier, reciprocal


@pytest.mark.parametrize(
    ("window", "factor"),
    [
        ((3, 3), Fraction(7, 64)),
        ((5, 5), Fraction(10, 256)),
        ((6, 6), Fraction(7, 256)),
        ((3, 6), Fraction(36 * 7, 256 * 18)),
        ((6, 3), Fraction(36 * 7, 256 * 18)),
        ((7, 7), Fraction(21, 1024)),
        ((14, 14), Fraction(21, 4096)),
    ],
)
def test_the_windows_that_the_hardware_fixes(window: tuple[int, ...], factor: Fraction) -> None:
    found = reciprocal(window)
    count = window[0] * window[1]
    assert Fraction(found.factor, 2**found.shift) == factor
    assert abs(factor * count - 1) <= Fraction(1, 42)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 9, 10, 63, 64, 100, 1000, 4097, 33025])
def test_others_are_the_nearest_that_8_bits_give(count: int) -> None:
    found = reciprocal((count,))
    fits = [(m, k) for k in range(40) for m in range(1, 256) if m * count * 255 < 2**31]
    best = min(abs(Fraction(m * count, 2**k) - 1) for m, k in fits)
    assert abs(Fraction(found.factor * count, 2**found.shift) - 1) == best
    assert best <= Fraction(1, 256)


def test_powers_of_two_are_exact() -> None:
    assert reciprocal((4, 8)) == Multiplier(1, 5)
    assert reciprocal((4, 8)).value == 1 / 32


def test_a_divisor_of_its_own_is_not_that_of_the_window() -> None:
    assert reciprocal((3, 3), 8) == Multiplier(1, 3)
    assert reciprocal((3, 3), 9) == reciprocal((3, 3))


@pytest.mark.parametrize("count", [50176, 200_000, 8_000_000])
def test_sums_stay_within_32_bits(count: int) -> None:
    assert reciprocal((count,)).factor * count * 255 < 2**31


def test_too_many_values_are_refused() -> None:
    with pytest.raises(DeviceError, match="average of 9000000 values does not fit"):
        reciprocal((9_000_000,))
