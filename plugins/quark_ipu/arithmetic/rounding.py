"""Shifts of int32 tensors that round, and saturate to the codes of a format."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

Tie = Callable[[Tensor, Tensor, int], Tensor]
"""Given the floor, the remainder and one half of what is shifted out: whether to round up."""


def _away(floor: Tensor, rest: Tensor, half: int) -> Tensor:
    # The floor of a negative number lies away from zero already.
    return (rest > half) | ((rest == half) & (floor >= 0))


def _down(_floor: Tensor, rest: Tensor, _half: int) -> Tensor:
    return rest < 0


def _even(floor: Tensor, rest: Tensor, half: int) -> Tensor:
    return (rest > half) | ((rest == half) & ((floor & 1) == 1))


TIES: Mapping[str, Tie] = {"round": _away, "floor": _down, "half_even": _even}
"""By the names of round methods: half away from zero, toward minus infinity, half to even."""


def requantize(x: Tensor, shift: int, method: str, low: int, high: int) -> Tensor:
    """Return ``x / 2^shift`` rounded by ``method`` and clamped to ``[low, high]``; int32, any shape.

    ``x`` is int32, its magnitude below 2^31; ``low`` and ``high`` are those of an 8-bit format.
    """
    if shift <= 0:
        # Saturating first keeps what is shifted up within 32 bits.
        return (x.clamp(low, high) << min(-shift, 16)).clamp(low, high)
    return round_shift(x, shift, method).clamp(low, high)


def round_shift(x: Tensor, shift: int, method: str) -> Tensor:
    """Return ``x / 2^shift`` rounded by ``method``; int32, any shape, ``shift`` at least 1."""
    if shift > 31:
        # Less than one half is left of it; only the sign still counts.
        return x >> 31 if method == "floor" else x * 0
    floor = x >> shift
    rest = x & ((1 << shift) - 1)
    return floor + TIES[method](floor, rest, 1 << (shift - 1))
