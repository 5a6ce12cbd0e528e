"""What observers have in common that try clipped ranges on a histogram and take the best."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Self

import torch
from torch import Tensor

from quark_core import TensorConfig
from quark_core.config.type import QSchemeType
from quark_core.errors import DataError
from quark_core.functional import QParams, parameters, quantize_dequantize
from quark_core.plugin import Settings
from quark_observers.bit_histogram import BitHistogram
from quark_observers.min_max import MinMax

_WORK = 1 << 19
"""Values that are quantized at once; they stay in the cache."""


class SketchSearch(ABC):
    """Finds the ratio r for which r * (minimum, maximum) loses least; of equally good ones, the largest.

    A subclass sets ``name`` and ``ratios``, growing up to 1, and computes losses from the histogram, whose bins are at
    most 2^-8 of their values wide, 2^-3 where so many blocks share the memory. So the result depends on neither the
    batches' boundaries nor the order of merging. The format is int8, symmetric, unless ``for_settings`` said another.
    """

    name = ""

    def __init__(self) -> None:
        self._settings: Settings | TensorConfig = TensorConfig(dtype="int8", qscheme=QSchemeType.per_channel, ch_axis=0)
        self._min_max = MinMax(None)
        self._histogram: BitHistogram | None = None

    def for_settings(self, settings: Settings) -> None:
        """Search for the format, rounding and scale of ``settings``."""
        # One block a row, whatever the tensor's scheme is.
        self._settings = replace(settings, qscheme=QSchemeType.per_channel, axis=0, group_size=None, block_size=None)

    def observe(self, blocks: Tensor) -> None:
        """Take in a batch, ``[blocks, elements]`` float32; one without values changes nothing."""
        if blocks.numel():
            self._min_max.observe(blocks)
            self._counted(blocks).add(blocks, *self._min_max.range())

    def merge(self, other: Self) -> None:
        """Take in what ``other`` observed."""
        if other._histogram is not None:
            self._min_max.merge(other._min_max)
            self._counted(other._min_max.range()[0]).merge(other._histogram)

    def range(self) -> tuple[Tensor, Tensor]:
        """Return the best range, each ``[blocks]`` float32; raise DataError when nothing was observed."""
        if self._histogram is None:
            raise DataError(f"{self.name} observed no values; give calibration data that reach this tensor")
        lo, hi = self._min_max.range()
        finite = lo.isfinite() & hi.isfinite()
        best = torch.ones_like(lo)
        step = max(1, _WORK // self._work_per_block())
        for top in range(0, len(lo), step):
            rows = slice(top, top + step)
            losses = self._losses(self._histogram, rows, *(torch.where(finite, x, 0.0)[rows] for x in (lo, hi)))
            # argmin takes the first of equal ones.
            best[rows] = self.ratios(lo.device).flip(0)[losses.flip(1).argmin(1)]
        return torch.where(finite, lo * best, lo), torch.where(finite, hi * best, hi)

    @abstractmethod
    def ratios(self, device: torch.device) -> Tensor:
        """Return the candidates, float32, growing up to 1."""

    @abstractmethod
    def _losses(self, histogram: BitHistogram, rows: slice, lo: Tensor, hi: Tensor) -> Tensor:
        """Return, ``[rows, candidates]``, what each candidate loses of the blocks ``rows``."""

    @abstractmethod
    def _work_per_block(self) -> int:
        """Return how many values the losses of one block take."""

    def _candidates(self, lo: Tensor, hi: Tensor) -> QParams:
        """Return the parameters of each block's candidates, block after block."""
        ratios = self.ratios(lo.device)
        return parameters((lo[:, None] * ratios).view(-1), (hi[:, None] * ratios).view(-1), self._settings)

    def _quantized(self, values: Tensor, params: QParams) -> Tensor:
        """Return ``[blocks, candidates, values]``: values, ``[blocks, values]``, as each candidate gives them back."""
        count = len(params.scale) // len(values)
        tiled = values[:, None].repeat(1, count, 1).view(-1, values.shape[1])
        return quantize_dequantize(tiled, self._settings, params, out=tiled).view(len(values), count, -1)

    def _counted(self, like: Tensor) -> BitHistogram:
        if self._histogram is None:
            self._histogram = BitHistogram(len(like), like.device)
        return self._histogram
