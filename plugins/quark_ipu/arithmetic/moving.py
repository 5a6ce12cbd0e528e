"""Moves of integers for which torch has only floating-point kernels."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def adaptive_max_pool(x: Tensor, sizes: tuple[int | None, ...]) -> Tensor:
    """Return the maximum of each of ``sizes`` parts of the last axes of ``x``; any dtype; None keeps a size."""
    rank = len(sizes)
    lengths = x.shape[x.dim() - rank :]
    counts = [length if size is None else size for size, length in zip(sizes, lengths, strict=True)]
    result = x.new_empty((*x.shape[: x.dim() - rank], *counts))
    for place in product(*map(range, counts)):
        parts: Any = (..., *(_part(*each) for each in zip(place, counts, lengths, strict=True)))
        at: Any = (..., *place)
        result[at] = x[parts].amax(tuple(range(-rank, 0)))
    return result


def _part(at: int, count: int, length: int) -> slice:
    return slice(at * length // count, -(-(at + 1) * length // count))


def max_pool1d(x: Tensor, kernel: int, stride: int, padding: int, dilation: int, *, ceil_mode: bool) -> Tensor:
    """Return the maximum of each window of the last axis; any dtype."""
    options = ((1, kernel), (1, stride), (0, padding), (1, dilation))
    return functional.max_pool2d(x.unsqueeze(-2), *options, ceil_mode).squeeze(-2)


def by_bytes(x: Tensor, move: Callable[[Tensor], Tensor]) -> Tensor:
    """Return ``move(x)`` for int32 ``[batch, channels, ...]``, where ``move`` knows bytes and treats channels alike."""
    apart = x.contiguous().unsqueeze(-1).view(torch.uint8).movedim(-1, 2).flatten(1, 2)
    moved = move(apart.contiguous())
    together = moved.reshape(x.shape[0], x.shape[1], 4, *moved.shape[2:]).movedim(2, -1).contiguous()
    return together.view(torch.int32).squeeze(-1)
