"""Rounding to bfloat16 and float16 in float32, for code that compilers trace: they leave out a cast and its return."""

import torch
from torch import Tensor

from quark_core.engine.kernels.grid import Shift
from quark_core.engine.kernels.scratch import Traced
from quark_core.plugin.formats import FloatFormat

_FLOAT16 = FloatFormat(exponent_bits=5, mantissa_bits=10)
_SHIFT = Shift(_FLOAT16)


def rounded_as(v: Tensor, dtype: torch.dtype) -> Tensor:
    """Return ``v`` (float32, any shape) as ``v.to(dtype).float()`` gives it; float32 and float64 change nothing."""
    if dtype == torch.bfloat16:
        return _bfloat16(v)
    return _float16(v) if dtype == torch.float16 else v


def _bfloat16(v: Tensor) -> Tensor:
    missing = v.isnan()
    # The bits of NaN could overflow.
    bits = v.masked_fill(missing, 0.0).view(torch.int32)
    half = ((bits >> 16) & 1) + 0x7FFF
    return ((bits + half) & -0x10000).view(torch.float32).masked_fill(missing, torch.nan)


def _float16(v: Tensor) -> Tensor:
    limit = 2.0 ** (_FLOAT16.emax + 1)
    result = v.clamp(-limit, limit)
    _SHIFT(result, Traced())
    return torch.where(result.abs() > _FLOAT16.max, result * torch.inf, result)
