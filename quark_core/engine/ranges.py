"""The range of each block's values, for scales that are computed from the values themselves."""

import torch
from torch import Tensor

from quark_core.engine.kernels.scratch import Scratch, Traced, borrowed
from quark_core.engine.kernels.tracing import is_traced
from quark_core.engine.tiles import tiles


def block_range(blocks: Tensor, *, finite: bool = True) -> tuple[Tensor, Tensor]:
    """Return the minimum and maximum, each ``[blocks]`` float32, of ``[blocks, elements]`` (any floating dtype).

    With ``finite``, NaN and infinities are left out, so that one bad value does not spoil a block's scale; 0 stands in
    for them, which no scale rule minds. Without it, NaN comes through. Empty blocks have the range (0, 0).
    """
    if not blocks.numel():
        empty = torch.zeros(blocks.shape[0], dtype=torch.float32, device=blocks.device)
        return empty, empty.clone()
    if finite and is_traced():
        return _range(_only_finite(blocks))
    lo, hi = _range(blocks)
    if finite and not bool((lo.isfinite() & hi.isfinite()).all()):
        # A second pass costs only those tensors that hold such a value.
        return _range(_only_finite(blocks))
    return lo, hi


def _only_finite(blocks: Tensor) -> Tensor:
    return blocks.float().nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)


def _range(blocks: Tensor) -> tuple[Tensor, Tensor]:
    if blocks.shape[0] == 1:
        lo, hi = blocks.aminmax()
        return lo.reshape(1).float(), hi.reshape(1).float()
    # amin and amax are several times faster than aminmax along a dimension.
    return blocks.amin(1).float(), blocks.amax(1).float()


def block_amax(blocks: Tensor) -> Tensor:
    """Return each block's largest magnitude, ``[blocks]`` float32; NaN where a block (``[blocks, elements]``) has one.

    Blocks without elements have 0.
    """
    if is_traced() and blocks.numel():
        return tile_amax(blocks, Traced())
    amax = torch.zeros(blocks.shape[0], dtype=torch.float32, device=blocks.device)
    with borrowed() as scratch:
        for rows, columns in tiles(*blocks.shape):
            part = amax[rows]
            torch.maximum(part, tile_amax(blocks[rows, columns], scratch), out=part)
    return amax


def tile_amax(tile: Tensor, scratch: Scratch) -> Tensor:
    """Return what ``block_amax`` does, for a tile with at least one element a block."""
    magnitude = scratch.like(tile, 0)
    if tile.dtype == torch.float32:
        torch.abs(tile, out=magnitude)
    else:
        magnitude.copy_(tile).abs_()
    if is_traced():
        return magnitude.amax(1)
    # Magnitudes order as their bits do, NaN last; the maximum of integers takes half the time.
    return magnitude.view(torch.int32).amax(1).view(torch.float32)
