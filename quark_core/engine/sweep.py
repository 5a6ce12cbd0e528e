"""Quantize-dequantize of blocks in one sweep of tiles that stay in a core's cache; the limit is memory bandwidth."""

from torch import Tensor

from quark_core.engine import compiled
from quark_core.engine.kernels.scratch import borrowed
from quark_core.engine.scales import QParams
from quark_core.engine.step import Step
from quark_core.engine.tile_scales import tile_scales
from quark_core.engine.tiles import tiles
from quark_core.plugin.settings import Settings


def sweep(source: Tensor, target: Tensor, settings: Settings, params: QParams | None) -> None:
    """Write ``source`` rounded to what the format can hold into ``target`` (each ``[blocks, elements]``).

    The two may be the same memory, but must not overlap otherwise. Buffers of a few tiles are all that it allocates.
    """
    if compiled.is_wanted(source, settings) and compiled.compiled_sweep(source, target, settings, params):
        return
    step = Step(settings)
    scales = tile_scales(source, settings, params)
    across = source.stride(0) < source.stride(1)
    with borrowed() as scratch:
        for rows, columns in tiles(*source.shape):
            tile, result = source[rows, columns], target[rows, columns]
            scale, zero_point = scales(rows, tile, scratch)
            if across:
                # As memory lies, which for other axes than the first is several times faster.
                tile, result, scale = tile.t(), result.t(), scale.t()
                zero_point = zero_point.t() if isinstance(zero_point, Tensor) else zero_point
            step(tile, result, scale, zero_point, scratch)
