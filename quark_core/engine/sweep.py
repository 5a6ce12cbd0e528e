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
    with borrowed() as scratch:
        for rows, columns in tiles(*source.shape):
            tile = source[rows, columns]
            step(tile, target[rows, columns], *scales(rows, tile, scratch), scratch)
