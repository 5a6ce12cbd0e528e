"""The blocks view: every tensor is seen as ``[blocks, elements]``, and each block has one scale."""

from collections.abc import Sequence
from math import prod

from torch import Tensor

from quark_core.config.type import QSchemeType
from quark_core.errors import ModelError
from quark_core.plugin.settings import Settings


def to_blocks(x: Tensor, settings: Settings) -> Tensor:
    """Return ``x`` (any shape and dtype) as ``[blocks, elements]``; a view where its strides allow one, else a copy.

    ``per_tensor`` and plain casts: ``[1, N]``. ``per_channel``: ``[C, N / C]``, one block a slice of the axis.
    ``per_group``: ``[N / group, group]``; groups run along the axis, in row-major order with the axis moved last.
    ``per_token``: ``[N / L, L]``, one block a row of the last axis. ``per_block``: ``[N / (r * c), r * c]``, one block
    a rectangle of the last two axes, in row-major order of rectangles.
    Raises ModelError when the axis does not exist or the sizes do not divide it.
    """
    size = block_shape(x.shape, settings)
    if settings.qscheme is QSchemeType.per_channel:
        x = x.movedim(_axis(x.shape, settings), 0)
    elif settings.qscheme is QSchemeType.per_group:
        x = x.movedim(_axis(x.shape, settings), -1)
    elif settings.qscheme is QSchemeType.per_block:
        x = x.reshape(_rectangles(x.shape, settings)).movedim(-2, -3)
    return x.reshape(size)


def from_blocks(blocks: Tensor, shape: Sequence[int], settings: Settings) -> Tensor:
    """Return ``blocks`` (``[blocks, elements]``, any dtype) in ``shape``: the inverse of ``to_blocks``.

    Raises ModelError like ``to_blocks``.
    """
    block_shape(shape, settings)
    if settings.qscheme is QSchemeType.per_block:
        *outer, rows, row, columns, column = _rectangles(shape, settings)
        return blocks.reshape(*outer, rows, columns, row, column).movedim(-2, -3).reshape(tuple(shape))
    if settings.qscheme not in (QSchemeType.per_channel, QSchemeType.per_group):
        return blocks.reshape(tuple(shape))
    axis = _axis(shape, settings)
    rest = [*shape[:axis], *shape[axis + 1 :]]
    if settings.qscheme is QSchemeType.per_channel:
        return blocks.reshape(shape[axis], *rest).movedim(0, axis)
    return blocks.reshape(*rest, shape[axis]).movedim(-1, axis)


def block_shape(shape: Sequence[int], settings: Settings) -> tuple[int, int]:
    """Return ``(blocks, elements)`` for a tensor of ``shape``; raises ModelError like ``to_blocks``."""
    if settings.qscheme is QSchemeType.per_token:
        return (prod(shape[:-1]), shape[-1]) if shape else (1, 1)
    if settings.qscheme is QSchemeType.per_block:
        *outer, rows, row, columns, column = _rectangles(shape, settings)
        return prod(outer) * rows * columns, row * column
    if settings.qscheme not in (QSchemeType.per_channel, QSchemeType.per_group):
        return 1, prod(shape)
    axis = _axis(shape, settings)
    rest = prod(shape[:axis]) * prod(shape[axis + 1 :])
    if settings.qscheme is QSchemeType.per_channel:
        return shape[axis], rest
    group = settings.group_size
    if group is None or group < 1:
        raise ModelError(f"per_group needs a group size of at least 1, not {group}; give group_size")
    if shape[axis] % group:
        raise ModelError(
            f"axis {settings.axis} of a tensor of shape {tuple(shape)} has {shape[axis]} values, "
            f"which groups of {group} do not divide; choose a group_size that divides it, "
            "another axis, or leave the layer out"
        )
    return rest * (shape[axis] // group), group


def _rectangles(shape: Sequence[int], settings: Settings) -> list[int]:
    """Return ``[..., rows of blocks, rows a block, columns of blocks, columns a block]``."""
    size = settings.block_size
    if size is None:
        raise ModelError("per_block needs a block size; give block_size")
    if len(shape) < 2 or shape[-2] % size[0] or shape[-1] % size[1]:
        raise ModelError(
            f"blocks of {size[0]}x{size[1]} do not divide the last two axes of a tensor of shape {tuple(shape)}; "
            "choose a block_size that divides them, or leave the layer out"
        )
    return [*shape[:-2], shape[-2] // size[0], size[0], shape[-1] // size[1], size[1]]


def _axis(shape: Sequence[int], settings: Settings) -> int:
    axis, rank = settings.axis, len(shape)
    scheme = settings.qscheme.value if settings.qscheme else "a plain cast"
    if axis is None:
        raise ModelError(f"{scheme} needs an axis and none is known; give ch_axis")
    if not -rank <= axis < rank:
        raise ModelError(
            f"{scheme} on axis {axis}: a tensor of shape {tuple(shape)} has {rank} axes; "
            + (f"choose one from {-rank} to {rank - 1}" if rank else "choose per_tensor for single values")
        )
    return axis % rank
