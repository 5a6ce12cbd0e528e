"""A histogram over the bits of floats: bounded memory, mergeable, with bins of bounded relative width."""

from __future__ import annotations

import torch
from torch import Tensor

_BINS = 1 << 22
"""Bins that all blocks together may have, unless that left fewer than 3 mantissa bits."""
_MANTISSA = 8
"""Leading mantissa bits that choose a bin, at most."""
_ALL_BINADES = 256
_CHUNK = 1 << 18
"""Values or bins of many blocks at once; they stay in the cache."""
_WHOLE_CHUNK = 1 << 20
"""Values of a single block at once: each chunk costs a pass over all of the block's bins."""
_COUNTS = (torch.int16, torch.int32, torch.int64)


class BitHistogram:
    """Counts of each block's values by sign, exponent and leading mantissa bits, 3 to 8 of them.

    Up to 32 blocks have bins for all exponents (``whole``). Each of more blocks has a window of ``binades`` exponents,
    which moves up with its largest magnitude, and smaller values go to the window's first bin, which so reaches down to
    0. Where a value is counted in the end depends only on the largest magnitude, not on the order of values.
    """

    def __init__(self, blocks: int, device: torch.device, binades: int = 16) -> None:
        self.whole = (2 * _ALL_BINADES << _MANTISSA) * blocks <= _BINS
        self.binades = _ALL_BINADES if self.whole else binades
        room = _BINS // (2 * self.binades * max(blocks, 1))
        self.mantissa = min(_MANTISSA, max(3, room.bit_length() - 1))
        self.is_fine = self.mantissa == _MANTISSA
        self.width = self.binades << self.mantissa
        """Bins of each sign."""
        self.top = torch.full((blocks,), _ALL_BINADES - 1 if self.whole else 0, dtype=torch.int32, device=device)
        """Exponent of each block's last binade, as float32 stores exponents; ``[blocks]`` int32."""
        self._shift = 23 - self.mantissa
        self._seen = 0
        # [blocks, sign, bin], bins from small to large magnitude; sign 0 is negative.
        self._counts = torch.zeros(blocks, 2, self.width, dtype=_COUNTS[0], device=device)

    def add(self, values: Tensor, lo: Tensor, hi: Tensor) -> None:
        """Count ``values``, ``[blocks, elements]`` float32, which lie between ``lo`` and ``hi``, each ``[blocks]``."""
        self._raise_top(torch.maximum(lo.abs(), hi.abs()).view(torch.int32) >> 23)
        blocks, elements = values.shape
        self._expect(elements)
        chunk = _WHOLE_CHUNK if self.whole else _CHUNK
        rows = 1 if self.whole else max(1, chunk // max(elements, 2 * self.width))
        buffers = torch.empty(2, min(chunk, rows * elements), dtype=torch.int32, device=values.device)
        for top in range(0, blocks, rows):
            for part in torch.split(values[top : top + rows], chunk, 1):
                place, sign = (buffer[: part.numel()].view(part.shape) for buffer in buffers)
                self._count(slice(top, top + rows), part.view(torch.int32), place, sign)

    def merge(self, other: BitHistogram) -> None:
        """Add the counts of ``other``, which has as many blocks and stays as it is."""
        self._raise_top(other.top)
        self._expect(other._seen)
        self._counts += _moved(other._counts, self.top - other.top, self.mantissa)

    def counts(self, rows: slice) -> Tensor:
        """Return ``[blocks, sign, bin]``, whole numbers of some dtype, by growing magnitude; sign 0 is negative."""
        return self._counts[rows]

    def bins(self, magnitudes: Tensor, rows: slice) -> Tensor:
        """Return the bins, int64, of magnitudes, ``[blocks, any]`` float32; what lies outside has the nearest one."""
        place = (magnitudes.view(torch.int32) >> self._shift) - self._base(self.top[rows, None])
        return place.clamp_(0, self.width - 1).long()

    def edges(self, index: Tensor, rows: slice) -> tuple[Tensor, Tensor]:
        """Return the magnitudes, float32, where the bins ``index``, ``[blocks, any]`` int64, begin and end."""
        return self._edges(index, self._base(self.top[rows, None]))

    def points(self, count: int) -> Tensor:
        """Return, ``[count, sign, bin]`` float32, evenly spaced points of each bin of a block with the ``top`` of 1."""
        index = torch.arange(self.width, device=self.top.device)
        low, high = self._edges(index, self._base(torch.full_like(index, 127)))
        part = (torch.arange(count, device=index.device)[:, None] + 0.5) / count
        points = low + (high - low) * part
        return torch.stack([-points, points], 1)

    def linear(self, limits: Tensor, size: int, rows: slice) -> Tensor:
        """Return counts, ``[blocks, sign, size]`` float64, in bins of equal width from 0 to ``limits``.

        These are ``[blocks, sign]`` float32, or ``[blocks, 1]`` for both signs, and no value exceeds them. Values of a
        bin count as lying evenly in it; those of the first one, zeros above all, do not count.
        """
        counts = self._counts[rows].clone()
        counts[:, :, 0] = 0
        edges = limits[:, :, None] * (torch.arange(1, size + 1, device=limits.device) / size)
        index = self.bins(edges.flatten(1), rows).view(edges.shape)
        part = (edges.view(torch.int32) & ((1 << self._shift) - 1)).double()
        # The bin of the limit has values up to there only.
        whole = torch.where(index == index[:, :, -1:], part[:, :, -1:].clamp(min=1), 1 << self._shift)
        missing = part.div_(whole).sub_(1).expand(-1, 2, -1)
        index = index.expand(-1, 2, -1)
        upto = counts.cumsum(2)
        below = torch.zeros(len(edges), 2, size + 1, dtype=torch.float64, device=limits.device)
        torch.addcmul(upto.gather(2, index).double(), missing, counts.gather(2, index), out=below[:, :, 1:])
        below[:, :, -1] = upto[:, :, -1]
        return below.diff(dim=2).clamp_(min=0)

    def ranked(self, lower: int, upper: int) -> tuple[Tensor, Tensor]:
        """Return, ``[blocks]`` float32 each, the outward edges of the bins where the values of two ranks lie.

        Ranks count from 0, the smallest value. For ``lower`` the edge is the bin's least value, else the largest.
        """
        step = max(1, _CHUNK // (2 * self.width))
        parts = [self._ranked(lower, upper, slice(top, top + step)) for top in range(0, len(self.top), step)]
        lo, hi = zip(*parts, strict=True)
        return torch.cat(lo), torch.cat(hi)

    def _ranked(self, lower: int, upper: int, rows: slice) -> tuple[Tensor, Tensor]:
        counts = self._counts[rows]
        upto = torch.cat([counts[:, 0].flip(1), counts[:, 1]], 1).cumsum(1)
        place = torch.stack([(upto <= rank).sum(1) for rank in (lower, upper)], 1)
        place = place.clamp_(max=2 * self.width - 1).sub_(self.width)
        low, high = self.edges(torch.where(place >= 0, place, -1 - place), rows)
        # The next float towards 0 is the bin's own; -0 must not come out.
        last = (high.view(torch.int32) - 1).view(torch.float32)
        return torch.where(place >= 0, low, -last)[:, 0], torch.where(place >= 0, last, 0.0 - low)[:, 1]

    def _base(self, top: Tensor) -> Tensor:
        return (top - self.binades + 1) << self.mantissa

    def _edges(self, index: Tensor, base: Tensor) -> tuple[Tensor, Tensor]:
        bits = (index + base) << self._shift
        end = (bits + (1 << self._shift)).clamp_(1, 0x7F800000)
        begin = torch.where(index == 0, 0, bits).clamp_(0, 0x7F7FFFFF)
        return begin.int().view(torch.float32), end.int().view(torch.float32)

    def _count(self, rows: slice, bits: Tensor, place: Tensor, sign: Tensor) -> None:
        counts = self._counts[rows]
        if self.whole:
            # The sign bit makes the shifted bits of negative values negative: the first half of the bins.
            torch.bitwise_right_shift(bits, self._shift, out=place).add_(self.width)
        else:
            torch.bitwise_and(bits, 0x7FFFFFFF, out=place).bitwise_right_shift_(self._shift)
            place.sub_(self._base(self.top[rows, None])).clamp_(0, self.width - 1)
            torch.bitwise_right_shift(bits, 31, out=sign)
            blocks = torch.arange(len(counts), dtype=torch.int32, device=bits.device)[:, None]
            place.add_(sign, alpha=self.width).add_(blocks.mul_(2).add_(1).mul_(self.width))
        counts += torch.bincount(place.view(-1), minlength=counts.numel()).view(counts.shape)

    def _expect(self, more: int) -> None:
        """Make sure that counts can hold so many more values of a block; small ones take less time to write."""
        self._seen += more
        dtype = next(dtype for dtype in _COUNTS if self._seen <= torch.iinfo(dtype).max)
        self._counts = self._counts.to(dtype)

    def _raise_top(self, top: Tensor) -> None:
        rise = (top - self.top).clamp_(min=0)
        rows = rise.nonzero().squeeze(1)
        if len(rows) and self._seen:
            self._counts[rows] = _moved(self._counts[rows], rise[rows], self.mantissa)
        self.top = self.top + rise


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
