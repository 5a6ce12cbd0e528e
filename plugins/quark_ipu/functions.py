"""The operators that the IPU's passes put into graphs: plain functions, exact on integers and on floating point alike.

Each takes what it stands for apart into additions, comparisons and products with whole numbers over powers of two.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from quark_core.engine.authoring import Declared, declare
from quark_ipu.multipliers import reciprocal

SLOPE = 26
"""Slope of leaky ReLU, in parts of 2^SLOPE_BITS."""
SLOPE_BITS = 8
SIXTH = 2731
"""One sixth, in parts of 2^SIXTH_BITS."""
SIXTH_BITS = 14


def leaky_relu(x: Tensor) -> Tensor:
    """Return ``x`` where it is positive, else ``x * 26/256``; floating point, any shape."""
    return torch.maximum(x, x * (SLOPE / (1 << SLOPE_BITS)))


def hard_sigmoid(x: Tensor) -> Tensor:
    """Return ``clamp(x + 3, 0, 6) * 2731 / 2^14``; floating point, any shape."""
    return (x + 3).clamp(0, 6) * (SIXTH / (1 << SIXTH_BITS))


def swish_multiply(x: Tensor, gate: Tensor) -> Tensor:
    """Return ``x * gate``, where ``gate`` is the hard sigmoid of ``x``; any shape and dtype."""
    return x * gate


def average_pool(
    x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...], factor: tuple[int, int]
) -> Tensor:
    """Return the sums of windows times ``factor``, a pair m, k of m / 2^k; floating point.

    Windows slide over the last axes, with zeros around them; each tuple has one number for each of these axes.
    """
    return window_sum(x, kernel, stride, padding) * (factor[0] / (1 << factor[1]))


def global_average(x: Tensor, axes: tuple[int, ...], keepdim: bool = False) -> Tensor:
    """Return the sum over ``axes`` times what stands for the reciprocal of their size; raises DeviceError beyond 2^31.

    The multiplier is found when it runs, because graphs may leave the size open.
    """
    multiplier = reciprocal(tuple(x.shape[axis] for axis in axes))
    return x.sum(axes, keepdim=keepdim) * multiplier.value


def window_sum(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...]) -> Tensor:
    """Return the sum of each window of ``x``, axis after axis: exact wherever its partial sums are; any dtype."""
    if any(padding):
        x = functional.pad(x, [size for size in reversed(padding) for _ in range(2)])
    for axis, (size, step) in enumerate(zip(kernel, stride, strict=True), -len(kernel)):
        reach = x.shape[axis] - size + 1
        total = reduce(torch.add, [x.narrow(axis, start, reach) for start in range(size)])
        steps: Any = (..., slice(None, None, step), *[slice(None)] * (-1 - axis))
        x = total[steps]
    return x


for _function, _kind in (
    (leaky_relu, "fixed_leaky_relu"),
    (hard_sigmoid, "hardsigmoid"),
    (average_pool, "fixed_avg_pool"),
    (global_average, "fixed_avg_pool"),
):
    declare(_function, Declared(_kind))
declare(swish_multiply, Declared("swish_mul", (0, 1), ("input", "other")))
