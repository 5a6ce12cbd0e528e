"""The range of least quantization error."""

from __future__ import annotations

import torch
from torch import Tensor

from quark_observers import MseOptions
from quark_observers.bit_histogram import BitHistogram
from quark_observers.loss_table import LossTable
from quark_observers.sketch_search import SketchSearch, candidates, chunks

_COLUMNS = 1 << 12
"""Values of a block that are quantized at once."""
_FEW = 4
"""Candidates that are computed in full after a table has told which; the best of all is among them nearly always."""


class Mse(SketchSearch):
    """Least sum of abs(quantized - value)^p, where each value counts as the middle of its bin of the histogram.

    The candidates are i / candidates of the minimum and the maximum, i from 1 on. Quantized values are those that the
    engine computes for the tensor's format, rounding and scale type. Of more than 32 blocks this is done only for the
    few candidates that are best in a ``LossTable``. Of more than 500 to 800, whose bins are wider than 2^-8 of their
    values, the best one of the table is taken: middles of such bins would tell less.
    """

    name = "mse"

    def __init__(self, options: MseOptions) -> None:
        super().__init__()
        # Beside the largest values' squares those of so much smaller ones do not count.
        self.binades = 10 if options.p >= 2 else 16
        self._count = options.candidates
        self._p = options.p

    def ratios(self, device: torch.device) -> Tensor:
        """Return i / candidates for i from 1 to candidates."""
        return torch.arange(1, self._count + 1, device=device).float() / self._count

    def _losses(self, histogram: BitHistogram, lo: Tensor, hi: Tensor) -> Tensor:
        ratios = self.ratios(lo.device)
        if histogram.whole:
            return self._passes(histogram, lo, hi, ratios.expand(len(lo), -1))
        losses = LossTable(histogram, self._settings, self._p).losses(lo, hi, ratios)
        if not histogram.is_fine:
            return losses
        # Stable from the end, so that of equally good candidates the largest are among the best.
        best = self._count - 1 - losses.flip(1).sort(stable=True, dim=1).indices[:, :_FEW]
        exact = self._passes(histogram, lo, hi, ratios[best])
        return torch.full_like(losses, torch.inf, dtype=exact.dtype).scatter_(1, best, exact)

    def _passes(self, histogram: BitHistogram, lo: Tensor, hi: Tensor, ratios: Tensor) -> Tensor:
        """Return, like ``ratios``, ``[blocks, any]``, what these parts of ``lo`` to ``hi`` lose."""
        rows = chunks(len(lo), ratios.shape[1] << 10)
        return torch.cat([self._pass(histogram, some, lo[some], hi[some], ratios[some]) for some in rows])

    def _pass(self, histogram: BitHistogram, rows: slice, lo: Tensor, hi: Tensor, ratios: Tensor) -> Tensor:
        values, counts = _middles(histogram, rows, lo, hi)
        params = candidates(lo, hi, ratios, self._settings)
        amax = torch.maximum(lo.abs(), hi.abs())
        # The square of an error may leave float32; its share of the largest value's cannot.
        unit = torch.where(amax > 0, amax, 1.0)[:, None, None]
        losses = torch.zeros(ratios.shape, dtype=torch.float64, device=lo.device)
        for left in range(0, values.shape[1], _COLUMNS):
            some, weight = (x[:, left : left + _COLUMNS] for x in (values, counts))
            error = self._quantized(some, params).sub_(some[:, None]).div_(unit)
            powers = error.mul_(error) if self._p == 2 else error.abs_().pow_(self._p)
            losses += powers.mul_(weight.float()[:, None]).sum(2, dtype=torch.float64)
        return losses


def _middles(histogram: BitHistogram, rows: slice, lo: Tensor, hi: Tensor) -> tuple[Tensor, Tensor]:
    """Return values and how often they occur, ``[rows, values]`` each."""
    values, counts = [], []
    for sign in (0, 1):
        every = histogram.counts(rows)[:, sign]
        index = every.any(0).nonzero().squeeze(1)
        low, high = histogram.edges(index.expand(len(every), -1), rows)
        # A sum of the edges might overflow; what reaches down to 0 holds zeros above all.
        middle = torch.where(low > 0, low / 2 + high / 2, 0.0)
        values.append(torch.maximum(torch.minimum(middle if sign else -middle, hi[:, None]), lo[:, None]))
        counts.append(every[:, index])
    return torch.cat(values, 1), torch.cat(counts, 1)
