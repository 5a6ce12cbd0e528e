"""Where each tile of a sweep gets its scales from: parameters that are given, or the tile itself."""

from typing import Protocol

from torch import Tensor

from quark_core.config.scaling import ScaleRule
from quark_core.engine.arguments import check_params
from quark_core.engine.block_scales import mx_scale, relative_scale, tensor_scale
from quark_core.engine.kernels.scratch import Scratch
from quark_core.engine.ranges import block_amax, block_range, tile_amax
from quark_core.engine.scales import QParams, params_from_amax, params_from_range
from quark_core.engine.tiles import holds_whole_blocks
from quark_core.plugin.formats import BlockFormat, FloatFormat
from quark_core.plugin.settings import Settings


class TileScales(Protocol):
    """Gives a tile its scales and zero points."""

    def __call__(self, rows: slice, tile: Tensor, scratch: Scratch) -> tuple[Tensor, Tensor | float]:
        """Return scales, ``[b, 1]``, and zero points, ``[b, 1]`` or one for all, of the blocks ``rows``."""


def given_or_own(params: QParams | None, source: Tensor, settings: Settings) -> QParams:
    """Return ``params``, checked; without any, those of the range of ``source`` (``[blocks, elements]``)."""
    fmt = settings.dtype.format
    if params is not None or not settings.dtype.scaled:
        return check_params(params, source, settings)
    if isinstance(fmt, BlockFormat):
        return params_from_amax(block_amax(source), fmt, settings)
    return params_from_range(*block_range(source), settings)


def tile_scales(source: Tensor, settings: Settings, params: QParams | None) -> TileScales:
    """Return what gives the tiles of ``source`` their scales; raise UsageError for params that do not fit."""
    fmt = settings.dtype.format
    if params is None and isinstance(fmt, BlockFormat) and holds_whole_blocks(source.shape[1]):
        if fmt.scale is None:
            return _Shared(fmt, settings.scale_rule or ScaleRule.floor)
        return _TwoLevel(source, fmt, fmt.scale)
    return _Given(given_or_own(params, source, settings))


class _Given:
    def __init__(self, params: QParams) -> None:
        self._params = params
        self._shared = _shared(params.zero_point)

    def __call__(self, rows: slice, tile: Tensor, scratch: Scratch) -> tuple[Tensor, Tensor | float]:
        del tile, scratch
        zero_point = self._params.zero_point[rows, None] if self._shared is None else self._shared
        return self._params.scale[rows, None], zero_point


class _Shared:
    """MX: the tile is in the cache when its elements are rounded."""

    def __init__(self, fmt: BlockFormat, rule: ScaleRule) -> None:
        self._fmt, self._rule = fmt, rule

    def __call__(self, rows: slice, tile: Tensor, scratch: Scratch) -> tuple[Tensor, Tensor | float]:
        del rows
        return mx_scale(tile_amax(tile, scratch), self._fmt, self._rule)[:, None], 0.0


class _TwoLevel:
    """NVFP4: the tensor's scale takes a sweep of its own."""

    def __init__(self, source: Tensor, fmt: BlockFormat, scale: FloatFormat) -> None:
        self._fmt, self._format = fmt, scale
        self._amax = block_amax(source)
        self._relative_to = tensor_scale(self._amax, fmt, scale)

    def __call__(self, rows: slice, tile: Tensor, scratch: Scratch) -> tuple[Tensor, Tensor | float]:
        del tile, scratch
        return relative_scale(self._amax[rows], self._relative_to, self._fmt, self._format)[:, None], 0.0


def _shared(zero_point: Tensor) -> float | None:
    """Return the zero point that all blocks have; None when they differ."""
    if not zero_point.numel():
        return 0.0
    first = zero_point[0]
    return float(first) if bool((zero_point == first).all()) else None
