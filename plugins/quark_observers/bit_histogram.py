"""A histogram over the bits of floats: bounded memory, mergeable, with bins of bounded relative width."""

from __future__ import annotations

import torch
from torch import Tensor

_BINADES = 16
"""Powers of two covered, down from a block's largest magnitude; smaller values share one bin."""
_BINS = 1 << 22
"""Bins that all blocks together may have; 32 MiB of int64."""
_CHUNK = 1 << 19


class BitHistogram:
    """Counts of each block's values by sign, exponent and leading mantissa bits, 3 to 10 of them.

    Each block has its window of binades, which moves up with its largest magnitude; counts that fall below it go to a
    bin around 0. Where a value is counted in the end depends only on the largest magnitude, not on the order of values.
    """

    def __init__(self, blocks: int, device: torch.device) -> None:
        room = _BINS // (2 * _BINADES * max(blocks, 1))
        self._mantissa = min(10, max(3, room.bit_length() - 1))
        self._width = _BINADES << self._mantissa
        self._shift = 23 - self._mantissa
        self._top = torch.zeros(blocks, dtype=torch.int64, device=device)
        # [blocks, sign, bin], bins from small to large magnitude; sign 0 is negative.
        self._counts = torch.zeros(blocks, 2, self._width, dtype=torch.int64, device=device)
        self._center = torch.zeros(blocks, dtype=torch.int64, device=device)

    def add(self, values: Tensor) -> None:
        """Count ``values``, ``[blocks, elements]`` float32."""
        magnitude = torch.maximum(values.amax(1).abs(), values.amin(1).abs())
        self._raise_top(magnitude.view(torch.int32).long() >> 23)
        rows = max(1, _CHUNK // values.shape[1])
        for top in range(0, values.shape[0], rows):
            for left in range(0, values.shape[1], _CHUNK):
                self._count(slice(top, top + rows), values[top : top + rows, left : left + _CHUNK])

    def merge(self, other: BitHistogram) -> None:
        """Add the counts of ``other``, which has as many blocks and stays as it is."""
        self._raise_top(other._top)
        counts, center = other._moved(self._top - other._top)
        self._counts += counts
        self._center += center

    def value_at(self, rank: int, *, upper: bool) -> Tensor:
        """Return, ``[blocks]`` float32, the outward edge of the bin where the ``rank``-th smallest value lies.

        ``rank`` counts from 0; the outward edge is the largest value of the bin if ``upper``, else the smallest.
        """
        line = torch.cat([self._counts[:, 0].flip(1), self._center[:, None], self._counts[:, 1]], 1)
        below = line.cumsum_(1) <= rank
        signed = below.sum(1).clamp_(max=2 * self._width) - self._width
        # -1 and 1 are the bins beside the one around 0, which is 0; an outward edge lies at a bin's larger magnitude.
        outward = ((signed >= 0) if upper else (signed <= 0)).long()
        base = (self._top - _BINADES + 1) << self._mantissa
        edge = base + torch.where(signed == 0, 0, signed.abs() - 1 + outward)
        bits = ((edge << self._shift) - outward).clamp_(0, 0x7F7FFFFF)
        magnitude = bits.int().view(torch.float32)
        positive = (signed >= 0) if upper else (signed > 0)
        return torch.where(positive, magnitude, -magnitude)

    def _count(self, rows: slice, values: Tensor) -> None:
        bits = values.contiguous().view(torch.int32)
        base = (self._top[rows, None] - _BINADES + 1) << self._mantissa
        place = ((bits & 0x7FFFFFFF) >> self._shift) - base
        inside = place >= 0
        self._center[rows] += (~inside).sum(1)
        place.clamp_(0, self._width - 1)
        place += (bits >= 0) * self._width
        blocks = torch.arange(place.shape[0], device=values.device)[:, None]
        place += blocks * (2 * self._width)
        counts = torch.bincount(place[inside], minlength=place.shape[0] * 2 * self._width)
        self._counts[rows] += counts.view(-1, 2, self._width)

    def _raise_top(self, top: Tensor) -> None:
        rise = (top - self._top).clamp_(min=0)
        if bool(rise.any()):
            self._counts, self._center = self._moved(rise)
            self._top = self._top + rise

    def _moved(self, rise: Tensor) -> tuple[Tensor, Tensor]:
        """Return counts and centre as seen from windows that lie ``rise`` (``[blocks]``) binades higher."""
        source = torch.arange(self._width, device=rise.device) + (rise[:, None, None] << self._mantissa)
        inside = source < self._width
        source = source.clamp_(max=self._width - 1).expand_as(self._counts)
        counts = self._counts.gather(2, source) * inside
        return counts, self._center + (self._counts.sum((1, 2)) - counts.sum((1, 2)))
