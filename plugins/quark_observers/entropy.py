"""The range that keeps most of a distribution's information."""

from __future__ import annotations

import torch
from torch import Tensor

from quark_observers import EntropyOptions
from quark_observers.bit_histogram import BitHistogram
from quark_observers.runs import Runs
from quark_observers.sketch_search import SketchSearch, candidates, chunks, proportional

_START = 1 / 16
"""The smallest candidate is just above this, as in TensorRT, which starts with 128 of 2048 bins."""
_COUNTED = 1 << 18
"""Bins of the histogram, of many blocks, at once."""
_QUANTIZED = 1 << 20
"""Middles of bins, of many blocks, that are quantized at once."""


class Entropy(SketchSearch):
    """Least Kullback-Leibler divergence of the clipped distribution from the quantized one, on linear bins.

    Source: S. Migacz, 8-bit Inference with TensorRT, GTC 2017. On each side of 0 there are ``bins`` of equal width up
    to the side's largest value (symmetric: the largest of both), and a candidate keeps the same share of both sides.
    What it clips counts in the last bins that it keeps. The quantized distribution spreads what falls on one quantized
    value, without the clipped, evenly over the bins with values that round to it. Zeros, which every format holds
    exactly, do not count.
    """

    name = "entropy"

    def __init__(self, options: EntropyOptions) -> None:
        super().__init__()
        self._count = options.candidates
        self._bins = options.bins

    def ratios(self, device: torch.device) -> Tensor:
        """Return evenly spaced ratios from 1/16, which is left out, to 1, each at the edge of a bin."""
        return self._kept(device).float() / self._size()

    def _kept(self, device: torch.device) -> Tensor:
        """Return how many bins of a side each candidate keeps."""
        share = torch.arange(1, self._count + 1, device=device).double() / self._count
        return torch.ceil((_START + (1 - _START) * share) * self._size()).long().clamp_(max=self._size())

    def _size(self) -> int:
        # Where memory made the histogram coarse, finer bins would only be interpolated.
        return min(self._bins, 8 << self._histogram.mantissa) if self._histogram else self._bins

    def _losses(self, histogram: BitHistogram, lo: Tensor, hi: Tensor) -> Tensor:
        limits = torch.stack([-lo, hi], 1).clamp_(min=0)
        if self._settings.symmetric:
            limits = limits.amax(1, keepdim=True)
        if self._settings.symmetric and proportional(self._settings):
            # Quantized bins are the same multiples of each block's largest magnitude.
            one = torch.ones(1, 1, device=lo.device)
            runs = self._runs(one, -one[0], one[0])
            rows = chunks(len(lo), 2 * histogram.width, _COUNTED)
            parts = [runs.divergence(self._counts(histogram, some, limits)[None])[0].t() for some in rows]
        else:
            rows = chunks(len(lo), 2 * self._count * self._size(), _QUANTIZED)
            parts = [self._apart(histogram, some, limits, lo[some], hi[some]) for some in rows]
        return torch.cat(parts)

    def _apart(self, histogram: BitHistogram, rows: slice, limits: Tensor, lo: Tensor, hi: Tensor) -> Tensor:
        """Return the losses of blocks whose bins are quantized differently."""
        runs = self._runs(limits[rows], lo, hi)
        return runs.divergence(self._counts(histogram, rows, limits)[:, None]).squeeze(2)

    def _runs(self, limits: Tensor, lo: Tensor, hi: Tensor) -> Runs:
        size = self._size()
        middle = (torch.arange(size, device=lo.device) + 0.5) / size
        values = torch.cat([-limits[:, :1] * middle.flip(0), limits[:, -1:] * middle], 1)
        params = candidates(lo, hi, self.ratios(lo.device), self._settings)
        return Runs(self._quantized(values, params), self._kept(lo.device))

    def _counts(self, histogram: BitHistogram, rows: slice, limits: Tensor) -> Tensor:
        """Return how many values the bins of both sides hold, ``[blocks, bins]``, from the lowest to the highest."""
        below, above = histogram.linear(limits[rows], self._size(), rows).unbind(1)
        return torch.cat([below.flip(1), above], 1)
