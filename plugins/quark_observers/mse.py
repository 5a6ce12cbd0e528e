"""The range of least quantization error."""

from __future__ import annotations

import torch
from torch import Tensor

from quark_observers import MseOptions
from quark_observers.bit_histogram import BitHistogram
from quark_observers.sketch_search import SketchSearch

_COLUMNS = 1 << 12
"""Values of a block that are quantized at once."""


class Mse(SketchSearch):
    """Least sum of abs(quantized - value)^p, where each value counts as the middle of its bin of the histogram.

    The candidates are i / candidates of the minimum and the maximum, i from 1 on. Quantized values are those that the
    engine computes for the tensor's format, rounding and scale type.
    """

    name = "mse"

    def __init__(self, options: MseOptions) -> None:
        super().__init__()
        self._count = options.candidates
        self._p = options.p

    def ratios(self, device: torch.device) -> Tensor:
        """Return i / candidates for i from 1 to candidates."""
        return torch.arange(1, self._count + 1, device=device).float() / self._count

    def _work_per_block(self) -> int:
        return self._count << 10

    def _losses(self, histogram: BitHistogram, rows: slice, lo: Tensor, hi: Tensor) -> Tensor:
        values, counts = _middles(histogram, rows, lo, hi)
        params = self._candidates(lo, hi)
        amax = torch.maximum(lo.abs(), hi.abs())
        # The square of an error may leave float32; its share of the largest value's cannot.
        unit = torch.where(amax > 0, amax, 1.0)[:, None, None]
        losses = torch.zeros(len(lo), self._count, dtype=torch.float64, device=lo.device)
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
        spans = histogram.spans(sign, rows)
        # A sum of the edges might overflow; what reaches down to 0 holds zeros above all.
        middle = torch.where(spans.low > 0, spans.low / 2 + spans.high / 2, 0.0)
        values.append(torch.maximum(torch.minimum(middle if sign else -middle, hi[:, None]), lo[:, None]))
        counts.append(spans.counts)
    return torch.cat(values, 1), torch.cat(counts, 1)
