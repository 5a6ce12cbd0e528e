"""A histogram over the bits of floats: bounded memory, mergeable, with bins of bounded relative width."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_BINS = 1 << 22
"""Bins that all blocks together may have; 32 MiB of int64."""
_MANTISSA = 8
"""Leading mantissa bits that choose a bin, at most."""
_BINADES = 16
"""Powers of two covered where memory has no room for all of them, down from a block's largest magnitude."""
_ALL_BINADES = 256
_CHUNK = 1 << 19
_WHOLE_CHUNK = 1 << 20
"""Chunk of a single block: each one costs a pass over all of the block's bins."""


@dataclass(frozen=True)
class Spans:
    """Bins of one sign that hold values, by growing magnitude; each tensor is ``[blocks, bins]``."""

    low: Tensor
    """Smallest magnitude, float32."""
    high: Tensor
    """Magnitude, float32, that the bin's values lie below."""
    counts: Tensor
    """float64."""


class BitHistogram:
    """Counts of each block's values by sign, exponent and leading mantissa bits, 3 to 8 of them.

    Up to 32 blocks have bins for all exponents. Each of more blocks has a window of 16, which moves up with its largest
    magnitude, and smaller values go to the window's first bin, which so reaches down to 0. Where a value is counted in
    the end depends only on the largest magnitude, not on the order of values.
    """

    def __init__(self, blocks: int, device: torch.device) -> None:
        whole = (2 * _ALL_BINADES << _MANTISSA) * blocks <= _BINS
        self._binades = _ALL_BINADES if whole else _BINADES
        room = _BINS // (2 * self._binades * max(blocks, 1))
        self.mantissa = min(_MANTISSA, max(3, room.bit_length() - 1))
        self._width = self._binades << self.mantissa
        self._shift = 23 - self.mantissa
        self._empty = True
        # Exponent of the window's last binade.
        self._top = torch.full((blocks,), _ALL_BINADES - 1 if whole else 0, device=device)
        # [blocks, sign, bin], bins from small to large magnitude; sign 0 is negative.
        self._counts = torch.zeros(blocks, 2, self._width, dtype=torch.int64, device=device)

    def add(self, values: Tensor, lo: Tensor, hi: Tensor) -> None:
        """Count ``values``, ``[blocks, elements]`` float32, which lie between ``lo`` and ``hi``, each ``[blocks]``."""
        if self._binades == _ALL_BINADES:
            for block, counts in zip(values, self._counts, strict=True):
                self._count_all(block, counts)
            return
        self._raise_top(torch.maximum(lo.abs(), hi.abs()).view(torch.int32).long() >> 23)
        self._empty = False
        rows = max(1, _CHUNK // values.shape[1])
        for top in range(0, values.shape[0], rows):
            for left in range(0, values.shape[1], _CHUNK):
                self._count(slice(top, top + rows), values[top : top + rows, left : left + _CHUNK])

    def merge(self, other: BitHistogram) -> None:
        """Add the counts of ``other``, which has as many blocks and stays as it is."""
        self._raise_top(other._top)
        self._counts += _moved(other._counts, self._top - other._top, self.mantissa)
        self._empty = False

    def value_at(self, rank: int, *, upper: bool) -> Tensor:
        """Return, ``[blocks]`` float32, the outward edge of the bin where the ``rank``-th smallest value lies.

        ``rank`` counts from 0; the outward edge is the largest value of the bin if ``upper``, else the smallest.
        """
        line = torch.cat([self._counts[:, 0].flip(1), self._counts[:, 1]], 1)
        place = (line.cumsum_(1) <= rank).sum(1).clamp_(max=2 * self._width - 1) - self._width
        positive = place >= 0
        index = torch.where(positive, place, -1 - place)
        low, high = self._edges(index[:, None], slice(None))
        # The next float towards 0 is the bin's own; -0 must not come out.
        last = (high.view(torch.int32) - 1).view(torch.float32)
        if upper:
            return torch.where(positive[:, None], last, 0.0 - low).squeeze(1)
        return torch.where(positive[:, None], low, -last).squeeze(1)

    def spans(self, sign: int, rows: slice) -> Spans:
        """Return the bins of some blocks that hold values of a sign (0: negative, 1: not) in any of these blocks."""
        counts = self._counts[rows, sign]
        index = counts.any(0).nonzero().squeeze(1)
        low, high = self._edges(index.expand(len(counts), -1), rows)
        return Spans(low, high, counts[:, index].double())

    def _edges(self, index: Tensor, rows: slice) -> tuple[Tensor, Tensor]:
        """Return the magnitudes where the bins ``index``, ``[blocks, bins]``, begin and end."""
        bits = (index + self._base()[rows, None]) << self._shift
        end = (bits + (1 << self._shift)).clamp_(1, 0x7F800000)
        begin = torch.where(index == 0, 0, bits).clamp_(0, 0x7F7FFFFF)
        return begin.int().view(torch.float32), end.int().view(torch.float32)

    def _base(self) -> Tensor:
        return (self._top - self._binades + 1) << self.mantissa

    def _count_all(self, block: Tensor, counts: Tensor) -> None:
        place = torch.empty(min(_WHOLE_CHUNK, len(block)), dtype=torch.int32, device=block.device)
        bits = block.contiguous().view(torch.int32)
        for left in range(0, len(bits), _WHOLE_CHUNK):
            part = bits[left : left + _WHOLE_CHUNK]
            # The sign bit makes the shifted bits of negative values negative: the first half of the bins.
            torch.bitwise_right_shift(part, self._shift, out=place[: len(part)])
            flat = counts.view(-1)
            flat += torch.bincount(place[: len(part)].add_(self._width), minlength=2 * self._width)

    def _count(self, rows: slice, values: Tensor) -> None:
        bits = values.contiguous().view(torch.int32)
        place = (bits & 0x7FFFFFFF).bitwise_right_shift_(self._shift)
        place.sub_(self._base()[rows, None].int()).clamp_(0, self._width - 1)
        place.add_((bits >> 31).mul_(self._width))
        blocks = torch.arange(place.shape[0], dtype=torch.int32, device=values.device)[:, None]
        place.add_(blocks.mul_(2).add_(1).mul_(self._width))
        counts = torch.bincount(place.view(-1), minlength=place.shape[0] * 2 * self._width)
        self._counts[rows] += counts.view(-1, 2, self._width)

    def _raise_top(self, top: Tensor) -> None:
        rise = (top - self._top).clamp_(min=0)
        rows = rise.nonzero().squeeze(1)
        if len(rows) and not self._empty:
            self._counts[rows] = _moved(self._counts[rows], rise[rows], self.mantissa)
        self._top = self._top + rise


def _moved(counts: Tensor, rise: Tensor, mantissa: int) -> Tensor:
    """Return counts, ``[blocks, sign, bin]``, as seen from windows that lie ``rise`` (``[blocks]``) binades higher."""
    if not bool(rise.any()):
        return counts
    width = counts.shape[2]
    source = torch.arange(width, device=rise.device) + (rise[:, None, None] << mantissa)
    inside = source < width
    moved = counts.gather(2, source.clamp_(max=width - 1).expand_as(counts)) * inside
    moved[:, :, 0] += counts.sum(2) - moved.sum(2)
    return moved
