"""Scales that blocks compute for themselves: powers of two (OCP MX), or numbers of a format of their own (NVFP4)."""

import torch
from torch import Tensor

from quark_core.config.scaling import ScaleRule
from quark_core.engine.e8m0 import shared_scale
from quark_core.plugin.formats import BlockFormat, FloatFormat

_FLOAT_MAX = torch.finfo(torch.float32).max
_SMALLEST = 2.0**-126


def mx_scale(amax: Tensor, fmt: BlockFormat, rule: ScaleRule) -> Tensor:
    """Return what a code of each block is multiplied by: the shared scale, times 2^-fraction_bits for integers.

    ``amax``: ``[blocks]`` float32. Source: OCP MX 1.0, sections 5.3 and 6.3.
    """
    return shared_scale(amax, fmt, rule) * 2.0**-fmt.fraction_bits


def two_level_scale(amax: Tensor, fmt: BlockFormat, scale: FloatFormat) -> tuple[Tensor, Tensor]:
    """Return ``[blocks]`` scales, products of a value of ``scale`` and of one float32 scale, and that one, ``[1]``.

    Tensor scale: the largest amax / (largest scale * largest element), 1 for zeros. Block scale: amax / largest element
    relative to it, rounded to nearest even, at least the smallest positive value. NaN makes its block NaN and does not
    count for the others; infinity counts as the largest float32. Source: NVIDIA's NVFP4 (E4M3 scales, 16 elements).
    """
    finite = amax.double().clamp(max=_FLOAT_MAX)
    known = torch.nan_to_num(finite, nan=0.0)
    top = known.max().reshape(1) if known.numel() else known.new_zeros(1)
    tensor_scale = (top / (scale.max * fmt.max)).float().clamp_(min=_SMALLEST).masked_fill_(top == 0, 1.0)
    relative = finite / fmt.max / tensor_scale.double()
    smallest = 2.0 ** (scale.emin - scale.mantissa_bits)
    block = _nearest(relative, scale).clamp(smallest, scale.max)
    return (block.float() * tensor_scale), tensor_scale


def block_factors(scale: Tensor, tensor_scale: Tensor, fmt: FloatFormat) -> Tensor:
    """Return the values of ``fmt`` (``[blocks]`` float32) that ``two_level_scale`` multiplied by the tensor scale."""
    # The product was rounded, so the quotient is a few float32 ulps off; values of the format lie much further apart.
    return _nearest(scale.double() / tensor_scale.double(), fmt).float()


def _nearest(x: Tensor, fmt: FloatFormat) -> Tensor:
    exponent = (torch.frexp(x).exponent - 1).clamp_(min=fmt.emin)
    ulp = torch.ldexp(torch.ones_like(x), exponent - fmt.mantissa_bits)
    return (x / ulp).round_().mul_(ulp)
