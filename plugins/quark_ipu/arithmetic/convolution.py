"""Convolutions of integers: for each offset of the kernel one product of matrices, summed in int32."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Walk:
    """How a convolution walks over its input; tuples have one number for each axis."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    output_padding: tuple[int, ...] = ()
    """Only for transposed ones."""


def convolve(x: Tensor, weight: Tensor, walk: Walk) -> Tensor:
    """Return the convolution of ``x`` ``[batch, in, *sizes]`` with ``weight`` ``[out, in / groups, *kernel]``; int32.

    Exact as long as no sum exceeds 32 bits.
    """
    rank, kernel = weight.dim() - 2, weight.shape[2:]
    x = functional.pad(x, [size for size in reversed(walk.padding) for _ in range(2)])
    sizes = [
        (x.shape[2 + axis] - walk.dilation[axis] * (kernel[axis] - 1) - 1) // walk.stride[axis] + 1
        for axis in range(rank)
    ]
    total = x.new_zeros((x.shape[0], weight.shape[0], *sizes))
    for offset in _offsets(kernel):
        starts = [at * step for at, step in zip(offset, walk.dilation, strict=True)]
        total += _mixed(x[_steps(starts, walk.stride, sizes)], weight[_last(offset)], walk.groups)
    return total


def convolve_transposed(x: Tensor, weight: Tensor, walk: Walk) -> Tensor:
    """Return the transposed convolution of ``x`` with ``weight`` ``[in, out / groups, *kernel]``; int32, as above."""
    rank, kernel = weight.dim() - 2, weight.shape[2:]
    whole = [
        (x.shape[2 + axis] - 1) * walk.stride[axis] + walk.dilation[axis] * (kernel[axis] - 1) + 1
        for axis in range(rank)
    ]
    grown = [size + more for size, more in zip(whole, walk.output_padding, strict=True)]
    total = x.new_zeros((x.shape[0], weight.shape[1] * walk.groups, *grown))
    turned = _turned(weight, walk.groups)
    for offset in _offsets(kernel):
        starts = [at * step for at, step in zip(offset, walk.dilation, strict=True)]
        total[_steps(starts, walk.stride, x.shape[2:])] += _mixed(x, turned[_last(offset)], walk.groups)
    crop: Any = (..., *(slice(pad, size - pad) for pad, size in zip(walk.padding, grown, strict=True)))
    return total[crop].contiguous()


def _turned(weight: Tensor, groups: int) -> Tensor:
    """Return ``[in, out / groups, ...]`` as ``[out, in / groups, ...]``."""
    apart = weight.reshape(groups, -1, *weight.shape[1:]).transpose(1, 2)
    return apart.reshape(-1, weight.shape[0] // groups, *weight.shape[2:])


def _offsets(kernel: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    return product(*(range(size) for size in kernel))


def _last(place: tuple[int, ...]) -> Any:
    """Return the index of one place along the last axes."""
    return (..., *place)


def _steps(starts: Iterable[int], steps: Iterable[int], counts: Iterable[int]) -> Any:
    """Return an index of the last axes: from each start on, every so many steps, so often."""
    along = zip(starts, steps, counts, strict=True)
    return (..., *(slice(start, start + (count - 1) * step + 1, step) for start, step, count in along))


def _mixed(x: Tensor, weight: Tensor, groups: int) -> Tensor:
    """Return each pixel's channels times ``weight`` ``[out, in / groups]``."""
    if weight.shape[1] == 1 and weight.shape[0] == groups:
        return x * weight.reshape(-1, *[1] * (x.dim() - 2))
    batch, channels, *sizes = x.shape
    flat = x.reshape(batch, groups, channels // groups, prod(sizes))
    return torch.matmul(weight.reshape(groups, -1, weight.shape[1]), flat).reshape(batch, -1, *sizes)
