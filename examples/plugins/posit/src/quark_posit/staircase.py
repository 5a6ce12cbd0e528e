"""Posits as a staircase: bit patterns, read as signed integers, are in the order of their values.

Posit Standard (2022), section 3: behind the sign stand the regime ``r`` (a run of equal bits and the opposite one),
the exponent ``e`` (2 bits) and the fraction ``f``, cut off at the width; the value is ``(1 + f) * 2^(4 * r + e)``.
So the patterns from ``16^r`` to ``16^(r + 1)`` count steps of ``e + f``, which from one power of two to the next is
linear in the value. Rounding the pattern on that line to an integer is what section 4 asks for: the tie between two
patterns lies where one more bit would be 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Staircase:
    """The values of all patterns, and the lines that patterns are rounded from."""

    largest: float
    """The largest posit."""
    values: Tensor
    """``[2^bits]`` float32: the value of each pattern, NaN for NaR."""
    slopes: Tensor
    """``[512]`` float64: by sign and exponent of a float32; the signed pattern is ``slope * value + offset``."""
    offsets: Tensor
    """``[512]`` float64."""

    @classmethod
    def of(cls, bits: int) -> Staircase:
        """Return the posits of ``bits`` bits, 3 to 16."""
        sizes = _sizes(bits)
        values = [0.0, *sizes, torch.nan, *(-size for size in reversed(sizes))]
        slopes, offsets = zip(*(_line(exponent, bits) for exponent in range(-127, 129)), strict=True)
        # On the CPU even where somebody has set another default device; ``to`` moves them.
        return cls(
            largest=sizes[-1],
            values=torch.tensor(values, dtype=torch.float32, device="cpu"),
            slopes=torch.tensor(slopes * 2, dtype=torch.float64, device="cpu"),
            offsets=torch.tensor([*offsets, *(-offset for offset in offsets)], dtype=torch.float64, device="cpu"),
        )

    def to(self, device: torch.device) -> Staircase:
        """Return the same tables on ``device``."""
        values, slopes, offsets = (table.to(device) for table in (self.values, self.slopes, self.offsets))
        return replace(self, values=values, slopes=slopes, offsets=offsets)


def _first(regime: int, bits: int) -> int:
    """Return the pattern of ``16^regime``; regimes reach from ``2 - bits`` to ``bits - 2``."""
    if regime < 0:
        return 1 << (bits - 2 + regime)
    return (1 << (bits - 1)) - (1 << (bits - 2 - regime))


def _sizes(bits: int) -> list[float]:
    """Return the positive posits in the order of their patterns, 1 and up."""
    sizes = []
    for regime in range(2 - bits, bits - 2):
        steps = _first(regime + 1, bits) - _first(regime, bits)
        for step in range(steps):
            exponent, fraction = divmod(4 * step / steps, 1.0)
            sizes.append((1 + fraction) * 2.0 ** (4 * regime + exponent))
    return [*sizes, 16.0 ** (bits - 2)]


def _line(exponent: int, bits: int) -> tuple[float, float]:
    """Return slope and offset of the patterns of values from ``2^exponent`` up to its double."""
    regime, rest = divmod(exponent, 4)
    if regime < 2 - bits:
        return 0.0, 1.0
    first = _first(min(regime, bits - 2), bits)
    if regime >= bits - 2:
        return 0.0, float(first)
    steps = (_first(regime + 1, bits) - first) / 4
    return steps / 2.0**exponent, first + steps * (rest - 1)
