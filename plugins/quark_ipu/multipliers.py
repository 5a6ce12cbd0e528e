"""Averages without a division: a sum times m / 2^k."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from quark_core.errors import DeviceError

_LARGEST = 255
"""m has 8 bits."""
_CODE = 255
"""Largest magnitude of a code: a sum of them times m must stay below 2^31."""


@dataclass(frozen=True)
class Multiplier:
    """``factor / 2^shift``, which stands for a reciprocal."""

    factor: int
    shift: int

    @property
    def value(self) -> float:
        """The quotient, exact."""
        return self.factor / (1 << self.shift)


TABLE: Mapping[tuple[int, ...], Multiplier] = {
    (3, 3): Multiplier(7, 6),
    (5, 5): Multiplier(10, 8),
    (6, 6): Multiplier(7, 8),
    (3, 6): Multiplier(14, 8),
    (6, 3): Multiplier(14, 8),
    (7, 7): Multiplier(21, 10),
    (14, 14): Multiplier(21, 12),
}
"""Windows whose multiplier the hardware fixes. Their averages are off by at most 1/42 of themselves."""


def reciprocal(window: tuple[int, ...], divisor: int | None = None) -> Multiplier:
    """Return what stands for 1 / ``divisor``, which is the number of values in ``window`` unless given.

    Of all m / 2^k with m of at most 8 bits the nearest, and of equally near ones that with the smallest m: off by at
    most 1/256 of the average up to 33025 values, exact for powers of two. Raises DeviceError where a sum of so many
    8-bit codes, times m, may exceed 32 bits.
    """
    count = prod(window)
    if divisor in (None, count) and window in TABLE:
        return TABLE[window]
    return _nearest(divisor or count, count)


def _nearest(divisor: int, count: int) -> Multiplier:
    found = []
    for shift in range(32):
        factor = (2**shift + divisor // 2) // divisor
        if 1 <= factor <= _LARGEST and factor * count * _CODE < 2**31:
            found.append(Multiplier(factor, shift))
    if not found:
        raise DeviceError(f"the average of {count} values does not fit the 32-bit sums of the IPU; pool in two steps")
    return min(found, key=lambda each: (abs(Fraction(each.factor * divisor, 2**each.shift) - 1), each.shift))
