"""What observers have in common that try clipped ranges on a histogram and take the best."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Self

import torch
from torch import Tensor

from quark_core import ScaleDtype, TensorConfig
from quark_core.config.type import QSchemeType, ScaleType
from quark_core.errors import DataError
from quark_core.functional import QParams, parameters, quantize_dequantize
from quark_core.plugin import Settings
from quark_observers.bit_histogram import BitHistogram
from quark_observers.min_max import MinMax


class SketchSearch(ABC):
    """Finds the ratio r for which r * (minimum, maximum) loses least; of equally good ones, the largest.

    A subclass sets ``name`` and ``ratios``, growing up to 1, and computes losses from the histogram, whose bins are at
    most 2^-8 of their values wide, 2^-3 where so many blocks share the memory. So the result depends on neither the
    batches' boundaries nor the order of merging. The format is int8, symmetric, unless ``for_settings`` said another.
    """

    name = ""
    binades = 16
    """Powers of two that a histogram of many blocks covers."""

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
        losses = self._losses(self._histogram, *(torch.where(finite, x, 0.0) for x in (lo, hi)))
        # argmin takes the first of equal ones.
        best = self.ratios(lo.device).flip(0)[losses.flip(1).argmin(1)]
        # Of equal values there is nothing to clip, however coarse their bin is.
        best = torch.where(finite & (lo < hi), best, 1.0)
        return lo * best, hi * best

    @abstractmethod
    def ratios(self, device: torch.device) -> Tensor:
        """Return the candidates, float32, growing up to 1."""

    @abstractmethod
    def _losses(self, histogram: BitHistogram, lo: Tensor, hi: Tensor) -> Tensor:
        """Return, ``[blocks, candidates]``, what each candidate loses."""

    def _quantized(self, values: Tensor, params: QParams) -> Tensor:
        """Return ``[blocks, candidates, values]``: values, ``[blocks, values]``, as each candidate gives them back."""
        count = len(params.scale) // len(values)
        tiled = values[:, None].repeat(1, count, 1).view(-1, values.shape[1])
        return quantize_dequantize(tiled, self._settings, params, out=tiled).view(len(values), count, -1)

    def _counted(self, like: Tensor) -> BitHistogram:
        if self._histogram is None:
            self._histogram = BitHistogram(len(like), like.device, self.binades)
        return self._histogram


def candidates(lo: Tensor, hi: Tensor, ratios: Tensor, settings: Settings | TensorConfig) -> QParams:
    """Return the parameters for parts of ranges ``[lo, hi]`` (each ``[blocks]``), block after block.

    ``ratios`` are ``[candidates]`` or, where blocks differ, ``[blocks, candidates]``.
    """
    if not proportional(settings):
        return parameters((lo[:, None] * ratios).view(-1), (hi[:, None] * ratios).view(-1), settings)
    full = parameters(lo, hi, settings)
    scale = (full.scale[:, None] * ratios).clamp_(min=torch.finfo(torch.float32).smallest_normal)
    return QParams(scale.view(-1), full.zero_point.repeat_interleave(ratios.shape[-1]))


def proportional(settings: Settings | TensorConfig) -> bool:
    """Return whether a part of a range has that part of the range's scale, and so the same zero point."""
    return settings.scale_type is ScaleType.float and settings.scale_dtype is ScaleDtype.float32


def chunks(blocks: int, work: int, limit: int = 1 << 19) -> list[slice]:
    """Return slices of the blocks, each with as many as keep ``work`` values a block within ``limit``, at least 1."""
    step = max(1, limit // max(work, 1))
    return [slice(top, top + step) for top in range(0, blocks, step)]
