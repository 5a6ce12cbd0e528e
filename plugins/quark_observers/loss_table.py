"""What quantizing loses of the values of many blocks, from one table for all of them."""

from __future__ import annotations

from math import frexp

import torch
from torch import Tensor

from quark_core import TensorConfig
from quark_core.functional import QParams, parameters, quantize_dequantize
from quark_core.plugin import Settings
from quark_observers.bit_histogram import BitHistogram
from quark_observers.sketch_search import candidates, chunks

_POINTS = 256
"""Points of each binade that the means are taken over."""
_GRID_SHIFT = 17
"""Columns lie where scale / unit + 1 has no mantissa bits below this one: evenly up to the unit, wider beyond."""
_ZERO_POINTS = 64
"""Parts of an integer format's range that zero points are told apart by."""
_WORK = 1 << 20
"""Bins of many blocks at once."""


class LossTable:
    """Losses of clipped ranges, in powers of the power of two below each block's largest magnitude.

    In these units all blocks have the same bins. So one table of what a value of each bin loses on average at each of
    many scales serves them all, and their losses are a product of matrices. A bin's values count as lying evenly in it,
    but the minimum and the maximum, which clipping costs most, count exactly. Between two columns' scales, which differ
    by 1/64 of the widest range or less, losses count as linear. There is a table for each zero point; of a format with
    more than 64, for each of 64.
    """

    def __init__(self, histogram: BitHistogram, settings: Settings | TensorConfig, p: float) -> None:
        self._histogram = histogram
        self._settings = settings
        self._p = p
        # Higher powers of small errors leave float32.
        self._dtype = torch.float32 if p <= 4 else torch.float64
        one = torch.ones(1, device=histogram.top.device)
        # The power of two below the scale of a range from -1 to 1.
        self._unit = 2.0 ** (frexp(parameters(-one, one, settings).scale.item())[1] - 1)
        self._last_zero_point = parameters(-one, 0 * one, settings).zero_point.item()
        self._points = histogram.points(max(1, _POINTS >> histogram.mantissa)).flatten()
        self._tables: dict[float, Tensor] = {}
        self._widest = 0.0

    def losses(self, lo: Tensor, hi: Tensor, ratios: Tensor) -> Tensor:
        """Return, ``[blocks, ratios]``, what each block loses when its range is these parts of ``lo`` to ``hi``."""
        shrink = torch.exp2(127.0 - self._histogram.top.double())[:, None]
        scale = parameters(lo, hi, self._settings).scale * shrink.squeeze(1)
        # Half of this is the most unless a floor of the scale's dtype makes all candidates one.
        self._widest = min(8.0, float(torch.where(lo < hi, scale, 0.0).max()) / self._unit)
        rows = chunks(len(lo), 2 * self._histogram.width, _WORK)
        return torch.cat([self._some(some, lo[some], hi[some], shrink[some], ratios) for some in rows])

    def _some(self, rows: slice, lo: Tensor, hi: Tensor, shrink: Tensor, ratios: Tensor) -> Tensor:
        params = candidates(lo, hi, ratios, self._settings)
        losses = self._exact(lo, params, shrink) + self._exact(hi, params, shrink)
        weights = self._weights(rows, torch.stack([lo, hi], 1))
        column, part = self._place(params.scale.view(losses.shape) * shrink)
        zero_points = self._told_apart(params.zero_point).view(losses.shape)
        if bool((zero_points == zero_points[0, 0]).all()):
            return losses.add_(_between(weights @ self._table(float(zero_points[0, 0])), column, part))
        for zero_point in torch.unique(zero_points).tolist():
            meant = zero_points == zero_point
            some = meant.any(1).nonzero().squeeze(1)
            between = _between(weights[some] @ self._table(zero_point), column[some], part[some])
            losses[some] += between.mul_(meant[some])
        return losses

    def _exact(self, values: Tensor, params: QParams, shrink: Tensor) -> Tensor:
        """Return, ``[blocks, candidates]``, what one value of each block loses."""
        values = values[:, None].expand(-1, len(params.scale) // len(values))
        back = quantize_dequantize(values.reshape(-1, 1), self._settings, params).view(values.shape)
        return back.sub_(values).mul_(shrink).to(self._dtype).abs_().pow_(self._p)

    def _weights(self, rows: slice, ends: Tensor) -> Tensor:
        """Return how many values each bin holds, ``[blocks, bins of both signs]``, without the two ends."""
        weights = self._histogram.counts(rows).flatten(1).to(self._dtype)
        bins = self._histogram.bins(ends.abs(), rows) + torch.where(ends.signbit(), 0, self._histogram.width)
        return weights.scatter_add_(1, bins, weights.new_tensor(-1.0).expand(bins.shape))

    def _place(self, scale: Tensor) -> tuple[Tensor, Tensor]:
        """Return the columns left of the scales, and the parts of the way to the next ones."""
        shares = (scale / self._unit).clamp_(max=self._widest)
        bits = shares.add_(1).float().view(torch.int32) - (127 << 23)
        part = (bits & ((1 << _GRID_SHIFT) - 1)).to(self._dtype).div_(1 << _GRID_SHIFT)
        return (bits >> _GRID_SHIFT).long(), part

    def _scales(self) -> Tensor:
        device = self._points.device
        last = self._place(torch.full((), self._widest * self._unit, dtype=torch.float64, device=device))[0]
        shares = ((torch.arange(int(last) + 2, device=device) << _GRID_SHIFT) + (127 << 23)).int().view(torch.float32)
        # There is no scale 0.
        return shares.sub_(1).clamp_(min=2.0**-7).mul_(self._unit)

    def _told_apart(self, zero_point: Tensor) -> Tensor:
        step = max(1.0, 2 / self._unit / _ZERO_POINTS)
        return (zero_point / step).round_().mul_(step).clamp_(max=self._last_zero_point)

    def _table(self, zero_point: float) -> Tensor:
        """Return, ``[bins of both signs, scales]``, what a value loses on average."""
        if zero_point not in self._tables:
            scale = self._scales()
            lost = self._points.repeat(len(scale), 1)
            quantize_dequantize(lost, self._settings, QParams(scale, torch.full_like(scale, zero_point)), out=lost)
            powers = lost.sub_(self._points).to(self._dtype).abs_().pow_(self._p)
            self._tables[zero_point] = powers.view(len(scale), -1, 2 * self._histogram.width).mean(1).t()
        return self._tables[zero_point]


def _between(columns: Tensor, left: Tensor, part: Tensor) -> Tensor:
    """Return values, ``[rows, any]``, between the columns ``left`` and those right of them."""
    return columns.gather(1, left).lerp_(columns.gather(1, left + 1), part)
