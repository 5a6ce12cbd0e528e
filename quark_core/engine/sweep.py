"""Quantize-dequantize of blocks in one sweep of tiles that stay in a core's cache; the limit is memory bandwidth."""

import torch
from torch import Tensor

from quark_core.engine.arguments import check_params
from quark_core.engine.kernels import Kernel, kernel_for
from quark_core.engine.kernels.scratch import Scratch
from quark_core.engine.ranges import block_range
from quark_core.engine.scales import QParams, params_from_range
from quark_core.engine.tiles import tiles
from quark_core.plugin.settings import Settings

_VALUE = 2
"""Number of a scratch buffer; kernels use 0 and 1."""


def given_or_own(params: QParams | None, source: Tensor, settings: Settings) -> QParams:
    """Return ``params``, checked; without any, those of the range of ``source`` (``[blocks, elements]``)."""
    if params is None and settings.dtype.scaled:
        return params_from_range(*block_range(source, finite=not settings.dtype.is_block), settings)
    return check_params(params, source, settings)


def sweep(source: Tensor, target: Tensor, settings: Settings, params: QParams | None) -> None:
    """Write ``source`` rounded to what the format can hold into ``target`` (each ``[blocks, elements]``).

    The two may be the same memory, but must not overlap otherwise. Buffers of a few tiles are all that it allocates.
    """
    tile = _Tile(settings)
    params = given_or_own(params, source, settings)
    shared = _shared(params.zero_point)
    for rows, columns in tiles(*source.shape):
        zero_point = params.zero_point[rows, None] if shared is None else shared
        tile.snap(source[rows, columns], target[rows, columns], params.scale[rows, None], zero_point)


class _Tile:
    """What one call does to each of its tiles."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._scaled = settings.dtype.scaled
        self._kernel: Kernel = kernel_for(settings)
        self._scratch = Scratch()
        self._zero = torch.zeros(())

    def snap(self, source: Tensor, target: Tensor, scale: Tensor, zero_point: Tensor | float) -> None:
        """Write ``source`` divided by ``scale`` (``[blocks, 1]``), rounded and multiplied back, into ``target``."""
        cast = self._kernel.cast_dtype
        if not self._scaled and cast is not None and source.dtype != torch.float64:
            target.copy_(self._scratch.like(source, 0, cast).copy_(source))
            return
        work = self._work(target)
        if not self._scaled:
            work.copy_(source)
            self._kernel.snap(work, zero_point, self._scratch)
        else:
            if source.dtype != torch.float32:
                source = work.copy_(source)
            torch.div(source, scale, out=work)
            self._kernel.snap(work, zero_point, self._scratch)
            self._multiply(work, scale)
        if work is not target:
            self._store(work, target)

    def _work(self, target: Tensor) -> Tensor:
        # Steps over strided memory would each be slow; over a buffer only the last one is.
        if target.dtype == torch.float32 and (target.stride(1) == 1 or target.shape[1] == 1):
            return target
        return self._scratch.like(target, _VALUE)

    def _multiply(self, work: Tensor, scale: Tensor) -> None:
        if self._kernel.keeps_sign_of_zero:
            work.mul_(scale)
        elif scale.numel() == 1 and not work.is_cuda:
            # 0 + scale * work in one pass: -0 becomes +0, as decoding a code would give.
            torch.add(self._zero, work, alpha=scale.item(), out=work)
        else:
            work.add_(0.0).mul_(scale)

    def _store(self, work: Tensor, target: Tensor) -> None:
        if self._scaled and target.dtype in (torch.float16, torch.bfloat16):
            limit = torch.finfo(target.dtype).max
            work.clamp_(-limit, limit)
        target.copy_(work)


def _shared(zero_point: Tensor) -> float | None:
    """Return the zero point that all blocks have; None when they differ."""
    if not zero_point.numel():
        return 0.0
    first = zero_point[0]
    return float(first) if bool((zero_point == first).all()) else None
