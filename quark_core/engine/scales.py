"""From the range of each block to its scale and zero point."""

from dataclasses import dataclass
from math import isqrt

import torch
from torch import Tensor

from quark_core.config.scaling import ScaleDtype, ScaleRule
from quark_core.config.type import ScaleType
from quark_core.engine.block_scales import mx_scale, relative_scale, tensor_scale
from quark_core.engine.kernels.tracing import is_traced
from quark_core.errors import DataError
from quark_core.plugin.formats import BlockFormat, CodebookFormat, Format, IntFormat
from quark_core.plugin.settings import Settings

SMALLEST_SCALE = 2.0**-126
"""Smallest scale of a range other than 0: the smallest normal float32, so that no product with it underflows."""
_FLOAT_MAX = torch.finfo(torch.float32).max
_SQRT2_MANTISSA = isqrt(2 << 46) - (1 << 23)
"""Mantissa bits of the largest float32 below sqrt(2); it is irrational, so no float is a tie."""
_ROUNDS_UP_ABOVE = {ScaleRule.round: _SQRT2_MANTISSA, ScaleRule.ceil: 0, ScaleRule.floor: 1 << 23}
STORED_AS = {
    ScaleDtype.float32: torch.float32,
    ScaleDtype.float16: torch.float16,
    ScaleDtype.bfloat16: torch.bfloat16,
}


@dataclass(frozen=True)
class QParams:
    """What maps values to codes and back; value = (code - zero point) * scale."""

    scale: Tensor
    """``[blocks]`` float32."""
    zero_point: Tensor
    """``[blocks]`` float32, whole numbers; 0 unless the format is an integer one and asymmetric."""
    tensor_scale: Tensor | None = None
    """``[1]`` float32: what the block scales are relative to, where they have a format of their own (NVFP4)."""


def params_from_range(lo: Tensor, hi: Tensor, settings: Settings) -> QParams:
    """Return the parameters for values in ``[lo, hi]`` (each ``[blocks]``).

    Symmetric: scale = amax / largest code value, with amax = max(abs(lo), abs(hi)); unsigned integers too. Asymmetric
    integers: the range is widened to contain 0, scale = (hi - lo) / (qmax - qmin) and
    zero point = half_even(qmin - lo / scale). An all-zero range has scale 1, others at least 2^-126; a scale is lowered
    where a code's value would else exceed float32. Blocks: see ``block_scales``. Plain casts: scale 1. Computed in
    float64 and rounded once, to the scale's dtype or power of two. Raises DataError when a range is not finite; blocks
    turn into NaN.
    """
    lo, hi = lo.reshape(-1).float(), hi.reshape(-1).float()
    if not settings.dtype.scaled:
        return _symmetric(torch.ones_like(lo))
    fmt = settings.dtype.format
    if isinstance(fmt, BlockFormat):
        return params_from_amax(torch.maximum(lo.abs(), hi.abs()), fmt, settings)
    if not is_traced() and not bool((lo.isfinite() & hi.isfinite()).all()):
        raise DataError("a range holds NaN or infinity, so it has no scale; look for such values in the data")
    if settings.symmetric or not isinstance(fmt, IntFormat):
        amax = torch.maximum(lo.abs(), hi.abs()).double()
        return _symmetric(_lowered(_rounded(amax, largest(fmt), settings), _highest_level(fmt), settings))
    return _asymmetric(lo, hi, fmt, settings)


def largest(fmt: Format) -> float:
    """Return the magnitude that a symmetric scale maps amax to: qmax, or the largest value of the format."""
    if isinstance(fmt, IntFormat):
        return fmt.qmax
    if isinstance(fmt, CodebookFormat):
        return max(map(abs, fmt.values))
    return fmt.max


def power_of_two(scale: Tensor, rule: ScaleRule = ScaleRule.round) -> Tensor:
    """Return 2^R(log2(scale)) for normal positive float32, decided on the bits; 2^127 at most.

    ``rule`` is R: round, ceil or floor.
    """
    bits = scale.view(torch.int32)
    up = (bits & 0x007FFFFF) > _ROUNDS_UP_ABOVE[rule]
    exponent = ((bits >> 23) + up.int()).clamp_(max=254)
    return (exponent << 23).view(torch.float32)


def _symmetric(scale: Tensor) -> QParams:
    return QParams(scale, torch.zeros_like(scale))


def params_from_amax(amax: Tensor, fmt: BlockFormat, settings: Settings) -> QParams:
    """Return the parameters of blocks whose largest magnitudes are ``amax``, ``[blocks]`` float32."""
    if fmt.scale is None:
        return _symmetric(mx_scale(amax, fmt, settings.scale_rule or ScaleRule.floor))
    relative_to = tensor_scale(amax, fmt, fmt.scale)
    scale = relative_scale(amax, relative_to, fmt, fmt.scale)
    return QParams(scale, torch.zeros_like(scale), relative_to)


def _asymmetric(lo: Tensor, hi: Tensor, fmt: IntFormat, settings: Settings) -> QParams:
    # float64 holds max - min, which float32 may not.
    low, high = lo.double().clamp(max=0), hi.double().clamp(min=0)
    scale = _rounded(high - low, fmt.qmax - fmt.qmin, settings)
    zero_point = (fmt.qmin - low / scale.double()).round_().clamp_(fmt.qmin, fmt.qmax)
    level = torch.maximum(fmt.qmax - zero_point, zero_point - fmt.qmin)
    return QParams(_lowered(scale, level, settings), zero_point.float())


def _rounded(width: Tensor, steps: float, settings: Settings) -> Tensor:
    scale = (width / torch.tensor(steps, dtype=torch.float64, device=width.device)).float()
    scale = scale.clamp_(min=SMALLEST_SCALE).masked_fill_(width == 0, 1.0)
    if settings.scale_type is ScaleType.pof2:
        return power_of_two(scale, settings.scale_rule or ScaleRule.round)
    if settings.scale_dtype is ScaleDtype.float32:
        return scale
    stored = torch.finfo(STORED_AS[settings.scale_dtype])
    # Neither 0 nor infinity is a scale.
    return scale.clamp_(stored.smallest_normal, stored.max).to(stored_dtype(settings)).float()


def stored_dtype(settings: Settings) -> torch.dtype:
    """Return the dtype that a float scale is stored in."""
    return STORED_AS[settings.scale_dtype]


def _highest_level(fmt: Format) -> float:
    return max(-fmt.qmin, fmt.qmax) if isinstance(fmt, IntFormat) else largest(fmt)


def _lowered(scale: Tensor, level: Tensor | float, settings: Settings) -> Tensor:
    exact = scale.double()
    limit = (_FLOAT_MAX / (torch.zeros_like(exact) + level)).float()
    if settings.scale_type is ScaleType.pof2:
        limit = (limit.view(torch.int32) & 0x7F800000).view(torch.float32)
    elif settings.scale_dtype is ScaleDtype.bfloat16:
        limit = (limit.view(torch.int32) & 0x7FFF0000).view(torch.float32)
    # float32(limit) may have been rounded up.
    limit = torch.where(limit.double() * level > _FLOAT_MAX, limit.nextafter(torch.zeros_like(limit)), limit)
    return torch.where(exact * level > _FLOAT_MAX, limit, scale)
