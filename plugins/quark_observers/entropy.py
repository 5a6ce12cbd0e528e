"""The range that keeps most of a distribution's information."""

from __future__ import annotations

import torch
from torch import Tensor

from quark_observers import EntropyOptions
from quark_observers.bit_histogram import BitHistogram, Spans
from quark_observers.sketch_search import SketchSearch

_START = 1 / 16
"""The smallest candidate is just above this, as in TensorRT, which starts with 128 of 2048 bins."""
_FLOOR = 1e-9
"""Probability of a bin that quantized values cannot reach; 0 would make every such candidate infinitely bad."""


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

    def _work_per_block(self) -> int:
        return 2 * self._count * self._size()

    def _losses(self, histogram: BitHistogram, rows: slice, lo: Tensor, hi: Tensor) -> Tensor:
        negative, positive = (-lo).clamp(min=0), hi.clamp(min=0)
        if self._settings.symmetric:
            negative = positive = torch.maximum(negative, positive)
        size = self._size()
        middle = (torch.arange(size, device=lo.device) + 0.5) / size
        values = torch.cat([-negative[:, None] * middle.flip(0), positive[:, None] * middle], 1)
        below, above = (
            _linear(histogram.spans(sign, rows), limit, size) for sign, limit in ((0, negative), (1, positive))
        )
        quantized = self._quantized(values, self._candidates(lo, hi))
        return _divergence(torch.cat([below.flip(1), above], 1), quantized, self._kept(lo.device))


def _linear(spans: Spans, limit: Tensor, size: int) -> Tensor:
    """Return counts, ``[blocks, size]``, in bins of equal width from 0 to ``limit``; a span's values lie evenly."""
    edges = limit.double()[:, None] * torch.arange(size + 1, device=limit.device) / size
    if not spans.counts.shape[1]:
        return torch.zeros_like(edges[:, 1:])
    counts = torch.where(spans.low > 0, spans.counts, 0.0)
    high = torch.minimum(spans.high, limit[:, None]).double()
    low = torch.minimum(spans.low.double(), high)
    at = torch.searchsorted(low, edges, right=True).sub_(1).clamp_(min=0)
    width = (high - low).clamp_(min=torch.finfo(torch.float64).tiny)
    part = (edges - low.gather(1, at)).div_(width.gather(1, at)).clamp_(0, 1)
    total = counts.cumsum(1)
    below = (total - counts).gather(1, at).add_(part.mul_(counts.gather(1, at)))
    below[:, -1] = total[:, -1]
    return below.diff(dim=1).clamp_(min=0)


def _divergence(counts: Tensor, quantized: Tensor, kept: Tensor) -> Tensor:
    """Return, ``[blocks, candidates]``, the divergence of ``counts`` (``[blocks, bins]``), clipped, from quantized.

    ``quantized``, ``[blocks, candidates, bins]``, is what each bin's middle becomes.
    """
    size = counts.shape[1] // 2
    place = torch.arange(-size, size, device=counts.device)
    inside = (place >= -kept[:, None]) & (place < kept[:, None])
    clear = counts[:, None] * inside
    clipped = clear.clone()
    for side, last in ((slice(None, size), size - kept), (slice(size, None), size + kept - 1)):
        tail = counts[:, None, side].sum(2) - clear[:, :, side].sum(2)
        index = last[None, :, None].expand(len(counts), -1, 1)
        clipped.scatter_add_(2, index, tail[:, :, None].clamp_(min=0))
    filled = (clipped > 0).double()
    level = torch.zeros_like(clear, dtype=torch.int64)
    torch.cumsum(quantized.diff(dim=2) != 0, 2, out=level[:, :, 1:])
    mass = torch.zeros_like(clear).scatter_add_(2, level, clear)
    mass /= torch.zeros_like(clear).scatter_add_(2, level, filled).clamp_(min=1)
    spread = mass.gather(2, level).mul_(filled)
    p = clipped.div_(clipped.sum(2, keepdim=True).clamp_(min=1))
    q = spread.div_(spread.sum(2, keepdim=True).clamp_(min=1e-300)).clamp_(min=_FLOOR)
    # Where p is 0 so is the product; xlogy is many times slower than log.
    return q.reciprocal_().mul_(p).clamp_(min=1e-300).log_().mul_(p).sum(2)
