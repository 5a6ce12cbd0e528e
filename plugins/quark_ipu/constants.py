"""Numbers in a model's code, as 8-bit fixed-point numbers."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

_BITS = 7
"""Bits of the magnitude of an int8."""


@dataclass(frozen=True)
class Constant:
    """``code * 2^-position``."""

    code: int
    position: int

    def near(self, position: int) -> Constant:
        """Return the same number with its position as near to ``position`` as 8 bits allow."""
        if self.code == 0:
            return Constant(0, position)
        room = _BITS - abs(self.code).bit_length()
        moved = min(max(position, self.position), self.position + room)
        return Constant(self.code << (moved - self.position), moved)


def constant(value: float) -> Constant | None:
    """Return ``value`` with the smallest code that is exact, or None where 8 bits do not hold it."""
    if not isfinite(value):
        return None
    code, denominator = float(value).as_integer_ratio()
    found = denominator.bit_length() - 1
    while code and code % 2 == 0:
        code, found = code // 2, found - 1
    return Constant(code, found) if abs(code).bit_length() <= _BITS else None
