"""Exponential moving average of each batch's range."""

from __future__ import annotations

import torch
from torch import Tensor

from quark_core.errors import DataError
from quark_observers import MovingAverageOptions
from quark_observers.min_max import batch_range


class MovingAverage:
    """lo = m * lo + (1 - m) * batch minimum, the same for hi, in float64; the first batch sets them.

    An average over time depends on the order of batches within one process, and means nothing across processes. So
    merging gives the mean of the processes' averages, each weighted by how many batches it saw.
    """

    def __init__(self, options: MovingAverageOptions) -> None:
        self._momentum = options.momentum
        self._own: Tensor | None = None
        self._batches = 0
        self._merged: list[tuple[int, Tensor]] = []

    def observe(self, blocks: Tensor) -> None:
        """Take in a batch, ``[blocks, elements]`` float32; one without values changes nothing."""
        if not blocks.numel():
            return
        batch = torch.stack(batch_range(blocks)).double()
        self._own = batch if self._own is None else self._momentum * self._own + (1 - self._momentum) * batch
        self._batches += 1

    def merge(self, other: MovingAverage) -> None:
        """Take in what ``other`` observed, weighted by its number of batches."""
        self._merged += other._averages()

    def range(self) -> tuple[Tensor, Tensor]:
        """Return the averaged minimum and maximum, each ``[blocks]`` float32; DataError when nothing was observed."""
        averages = self._averages()
        if not averages:
            raise DataError("moving_average observed no values; give calibration data that reach this tensor")
        weighted = torch.stack([average * batches for batches, average in averages])
        # Sorted, so that the sum's rounding does not depend on the order of merging either.
        mean = weighted.sort(0).values.sum(0) / sum(batches for batches, _ in averages)
        lo, hi = (mean if len(averages) > 1 else averages[0][1]).float()
        return lo, hi

    def _averages(self) -> list[tuple[int, Tensor]]:
        own = [] if self._own is None else [(self._batches, self._own)]
        return own + self._merged
