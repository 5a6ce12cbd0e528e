"""The range that holds a share of the values."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

import torch
from torch import Tensor

from quark_core.errors import DataError
from quark_observers import PercentileOptions
from quark_observers.bit_histogram import BitHistogram
from quark_observers.min_max import MinMax
from quark_observers.selection import from_end

EXACT_TOTAL = 1 << 20
"""Values that are kept, over all blocks, before they are only counted."""
EXACT_MANY = 1 << 23
"""The same for more than 32 blocks, whose histogram comes to take as much memory."""
EXACT_PER_BLOCK = 1 << 10
"""Values that are kept of each block in any case."""
_FEW = 32
_PIECE = 1 << 18
"""Values that are kept in one tensor. The allocator has fresh pages mapped for large tensors, which takes several times
as long as the copy; memory of small ones it uses again."""


class Percentile:
    """The smallest value that at least p % of a block's values do not exceed, and the mirrored one from below.

    Exact while there are at most 2^20 values in all, 2^23 of more than 32 blocks, or 2^10 a block. Beyond that values
    are counted in bins, and the bounds are the outward edges of their bins: wider than the exact ones by a factor of at
    most 1 + 2^-8, up to 1 + 2^-3 where there are so many blocks that memory bounds the bins, and never beyond the
    minimum and maximum. With more than 32 blocks, bounds below 2^-15 of the largest magnitude come out as about that.
    The result depends on neither the batches' boundaries nor the order of merging. 100 gives exactly the minimum and
    maximum.
    """

    def __init__(self, options: PercentileOptions) -> None:
        # The decimal that was written, not the binary float beside it: 99.9 of 1000 values are 999, not 1000.
        self._share = Fraction(repr(options.percentile)) / 100
        self._min_max = MinMax(options)
        self._seen = 0
        self._kept: list[list[Tensor]] = []
        self._histogram: BitHistogram | None = None

    def observe(self, blocks: Tensor) -> None:
        """Take in a batch, ``[blocks, elements]`` float32; one without values changes nothing."""
        if not blocks.numel():
            return
        self._min_max.observe(blocks)
        self._seen += blocks.shape[1]
        if self._share == 1:
            return
        if self._seen <= _limit(len(blocks)):
            # Powers of two, so that batches of different sizes can be divided alike.
            rows = 1 << max(0, (_PIECE // blocks.shape[1]).bit_length() - 1)
            self._kept.append([part.clone() for part in torch.split(blocks, rows)])
        else:
            self._counted(blocks).add(blocks, *self._min_max.range())

    def merge(self, other: Percentile) -> None:
        """Take in what ``other`` observed."""
        self._min_max.merge(other._min_max)
        seen = self._seen + other._seen
        for kept in other._kept:
            self.observe(torch.cat(kept))
        if other._histogram is not None:
            self._counted(self._min_max.range()[0][:, None]).merge(other._histogram)
        self._seen = seen

    def range(self) -> tuple[Tensor, Tensor]:
        """Return the lower and the upper bound, each ``[blocks]`` float32; DataError when nothing was observed."""
        if not self._seen:
            raise DataError("percentile observed no values; give calibration data that reach this tensor")
        lowest, highest = self._min_max.range()
        upper = ceil(self._share * self._seen) - 1
        lower = self._seen - 1 - upper
        if lower == 0:
            return lowest, highest
        if self._histogram is None:
            lo, hi = torch.cat([_ends(values, lower) for values in self._rows()], 1)
            return lo, hi
        lo, hi = self._histogram.ranked(lower, upper)
        return torch.maximum(lo, lowest), torch.minimum(hi, highest)

    def _rows(self) -> Iterator[Tensor]:
        """Yield all kept values, some blocks after the others."""
        rows = min(len(batch[0]) for batch in self._kept)
        parts = ([part for piece in batch for part in torch.split(piece, rows)] for batch in self._kept)
        for some in zip(*parts, strict=True):
            yield torch.cat(some, 1)

    def _counted(self, like: Tensor) -> BitHistogram:
        if self._histogram is None:
            self._histogram = BitHistogram(like.shape[0], like.device)
            for kept in self._kept:
                self._histogram.add(torch.cat(kept), *self._min_max.range())
            self._kept.clear()
        return self._histogram


def _limit(blocks: int) -> int:
    return max((EXACT_MANY if blocks > _FEW else EXACT_TOTAL) // blocks, EXACT_PER_BLOCK)


def _ends(values: Tensor, rank: int) -> Tensor:
    """Return the value of a rank from below and from above, ``[2, rows]``."""
    return torch.stack([from_end(values, rank, largest=largest) for largest in (False, True)])
