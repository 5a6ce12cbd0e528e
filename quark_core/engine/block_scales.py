"""Scales that blocks compute for themselves: powers of two (OCP MX), or numbers of a format of their own (NVFP4)."""

import torch
from torch import Tensor

from quark_core.config.scaling import ScaleRule
from quark_core.engine.e8m0 import shared_scale
from quark_core.engine.kernels.tracing import is_traced
from quark_core.plugin.formats import BlockFormat, FloatFormat

_FLOAT_MAX = torch.finfo(torch.float32).max
_SMALLEST = 2.0**-126
_CHUNK = 1 << 15
"""Blocks whose scales are computed at once, so that they stay in the cache."""


def mx_scale(amax: Tensor, fmt: BlockFormat, rule: ScaleRule) -> Tensor:
    """Return what a code of each block is multiplied by: the shared scale, times 2^-fraction_bits for integers.

    ``amax``: ``[blocks]`` float32. Source: OCP MX 1.0, sections 5.3 and 6.3.
    """
    shared = shared_scale(amax, fmt, rule)
    return shared * 2.0**-fmt.fraction_bits if fmt.fraction_bits else shared


def tensor_scale(amax: Tensor, fmt: BlockFormat, scale: FloatFormat) -> Tensor:
    """Return what the block scales of a tensor are relative to, ``[1]`` float32, from ``amax``, ``[blocks]`` float32.

    The largest amax / (largest scale * largest element), 1 for zeros. NaN does not count; infinity counts as the
    largest float32. Source: NVIDIA's NVFP4 (E4M3 scales, 16 elements).
    """
    top = amax.amax().reshape(1) if amax.numel() else amax.new_zeros(1)
    if is_traced() or not bool(top.isfinite()):
        top = amax.nan_to_num(nan=0.0, posinf=_FLOAT_MAX).amax().reshape(1)
    exact = top.double() / (scale.max * fmt.max)
    return exact.float().clamp_(min=_SMALLEST).masked_fill_(top == 0, 1.0)


def relative_scale(amax: Tensor, relative_to: Tensor, fmt: BlockFormat, scale: FloatFormat) -> Tensor:
    """Return ``[blocks]`` float32 scales: products of a value of ``scale`` and of the tensor scale ``relative_to``.

    That value: amax / largest element / tensor scale, rounded to nearest even, at least the smallest positive one.
    NaN makes its block NaN, infinity counts as the largest float32.
    """
    if is_traced():
        return _factors(amax, relative_to, fmt, scale).float() * relative_to
    result = torch.empty_like(amax)
    for start in range(0, len(amax), _CHUNK):
        part = slice(start, start + _CHUNK)
        result[part].copy_(_factors(amax[part], relative_to, fmt, scale)).mul_(relative_to)
    return result


def _factors(amax: Tensor, relative_to: Tensor, fmt: BlockFormat, scale: FloatFormat) -> Tensor:
    smallest = 2.0 ** (scale.emin - scale.mantissa_bits)
    # The product of the two is exact. Both bounds are values of the format, so they may come before the rounding.
    relative = amax.double().div_(relative_to.double() * fmt.max).clamp_(smallest, scale.max)
    return _nearest(relative, scale)


def block_factors(scale: Tensor, tensor_scale: Tensor, fmt: FloatFormat) -> Tensor:
    """Return the values of ``fmt`` (``[blocks]`` float32) that ``two_level_scale`` multiplied by the tensor scale."""
    # The product was rounded, so the quotient is a few float32 ulps off; values of the format lie much further apart.
    return _nearest(scale.double() / tensor_scale.double(), fmt).float()


def _nearest(x: Tensor, fmt: FloatFormat) -> Tensor:
    # As kernels.grid.Shift does it, with the mantissa of a float64.
    large = x.clamp(min=1.5 * 2.0**fmt.emin)
    factor = 2.0 ** (52 - fmt.mantissa_bits)
    return x.sub_(large, alpha=factor).add_(large, alpha=factor)
