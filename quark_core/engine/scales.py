"""From the range of each block to its scale and zero point."""

from dataclasses import dataclass
from math import isqrt

import torch
from torch import Tensor

from quark_core.config.type import ScaleType
from quark_core.engine.e8m0 import shared_scale
from quark_core.errors import DataError
from quark_core.plugin.formats import BlockFormat, CodebookFormat, Format, IntFormat
from quark_core.plugin.settings import Settings

SMALLEST_SCALE = 2.0**-126
"""Smallest scale of a range other than 0: the smallest normal float32, so that no product with it underflows."""
_FLOAT_MAX = torch.finfo(torch.float32).max
_SQRT2_MANTISSA = isqrt(2 << 46) - (1 << 23)
"""Mantissa bits of the largest float32 below sqrt(2); it is irrational, so no float is a tie."""


@dataclass(frozen=True)
class QParams:
    """What maps values to codes and back; value = (code - zero point) * scale."""

    scale: Tensor
    """``[blocks]`` float32."""
    zero_point: Tensor
    """``[blocks]`` float32, whole numbers; 0 unless the format is an integer one and asymmetric."""


def params_from_range(lo: Tensor, hi: Tensor, settings: Settings) -> QParams:
    """Return the parameters for values in ``[lo, hi]`` (each ``[blocks]``).

    Symmetric: scale = amax / largest code value, with amax = max(abs(lo), abs(hi)); unsigned integers too. Asymmetric
    integers: the range is widened to contain 0, scale = (hi - lo) / (qmax - qmin) and
    zero point = half_even(qmin - lo / scale). An all-zero range has scale 1, others at least 2^-126; a scale is lowered
    where a code's value would else exceed float32. MX: OCP MX 1.0 section 6.3. Plain casts: scale 1.
    Computed in float64 and rounded once. Raises DataError when a range is not finite; MX turns such blocks into NaN.
    """
    lo, hi = lo.reshape(-1).float(), hi.reshape(-1).float()
    if not settings.dtype.scaled:
        return _symmetric(torch.ones_like(lo))
    fmt = settings.dtype.format
    if isinstance(fmt, BlockFormat):
        return _symmetric(shared_scale(torch.maximum(lo.abs(), hi.abs()), fmt.element.emax))
    if not bool((lo.isfinite() & hi.isfinite()).all()):
        raise DataError("a range holds NaN or infinity, so it has no scale; look for such values in the data")
    pof2 = settings.scale_type is ScaleType.pof2
    if settings.symmetric or not isinstance(fmt, IntFormat):
        amax = torch.maximum(lo.abs(), hi.abs()).double()
        return _symmetric(_lowered(_rounded(amax, largest(fmt), pof2), _highest_level(fmt), pof2))
    return _asymmetric(lo, hi, fmt, pof2)


def largest(fmt: Format) -> float:
    """Return the magnitude that a symmetric scale maps amax to: qmax, or the largest value of the format."""
    if isinstance(fmt, IntFormat):
        return fmt.qmax
    if isinstance(fmt, CodebookFormat):
        return max(map(abs, fmt.values))
    return fmt.element.max if isinstance(fmt, BlockFormat) else fmt.max


def power_of_two(scale: Tensor) -> Tensor:
    """Return 2^round(log2(scale)) for normal positive float32, decided on the bits; 2^127 at most."""
    bits = scale.view(torch.int32)
    up = (bits & 0x007FFFFF) > _SQRT2_MANTISSA
    exponent = ((bits >> 23) + up.int()).clamp_(max=254)
    return (exponent << 23).view(torch.float32)


def _symmetric(scale: Tensor) -> QParams:
    return QParams(scale, torch.zeros_like(scale))


def _asymmetric(lo: Tensor, hi: Tensor, fmt: IntFormat, pof2: bool) -> QParams:
    # float64 holds max - min, which float32 may not.
    low, high = lo.double().clamp(max=0), hi.double().clamp(min=0)
    scale = _rounded(high - low, fmt.qmax - fmt.qmin, pof2)
    zero_point = (fmt.qmin - low / scale.double()).round_().clamp_(fmt.qmin, fmt.qmax)
    level = torch.maximum(fmt.qmax - zero_point, zero_point - fmt.qmin)
    return QParams(_lowered(scale, level, pof2), zero_point.float())


def _rounded(width: Tensor, steps: float, pof2: bool) -> Tensor:
    scale = (width / torch.tensor(steps, dtype=torch.float64, device=width.device)).float()
    scale = scale.clamp_(min=SMALLEST_SCALE).masked_fill_(width == 0, 1.0)
    return power_of_two(scale) if pof2 else scale


def _highest_level(fmt: Format) -> float:
    return max(-fmt.qmin, fmt.qmax) if isinstance(fmt, IntFormat) else largest(fmt)


def _lowered(scale: Tensor, level: Tensor | float, pof2: bool) -> Tensor:
    exact = scale.double()
    limit = (_FLOAT_MAX / (torch.zeros_like(exact) + level)).float()
    if pof2:
        limit = (limit.view(torch.int32) & 0x7F800000).view(torch.float32)
    # float32(limit) may have been rounded up.
    limit = torch.where(limit.double() * level > _FLOAT_MAX, limit.nextafter(torch.zeros_like(limit)), limit)
    return torch.where(exact * level > _FLOAT_MAX, limit, scale)
