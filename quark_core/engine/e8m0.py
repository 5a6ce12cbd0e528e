"""E8M0: the power-of-two scales of MX blocks, as floats and as bytes.

Source: OCP Microscaling Formats (MX) Specification 1.0, sections 5.4.1 (E8M0) and 6.3 (conversion).
"""

import torch
from torch import Tensor

from quark_core.errors import UsageError

_SMALLEST = 0x00400000
"""Bits of 2^-127, which is a subnormal float32."""
_EXPONENT = 0x7F800000
_SUBNORMAL_SHIFT = 24


def shared_scale(amax: Tensor, emax: int) -> Tensor:
    """Return 2^(floor(log2(amax)) - emax) with the exponent clamped to [-127, 127]; any shape, float32.

    ``emax`` is the exponent of the element format's largest value. NaN gives NaN, infinity counts as the largest
    float32, 0 gives 2^-127. Exponents are read off the bits: float log2 is wrong one ulp below a power of two.
    """
    finite = amax.clamp(max=torch.finfo(torch.float32).max)
    subnormal = finite < 2.0**-126
    normal = torch.where(subnormal, finite * 2.0**_SUBNORMAL_SHIFT, finite)
    exponent = (normal.view(torch.int32) >> 23) - 127 - subnormal.int() * _SUBNORMAL_SHIFT
    codes = (exponent - emax).clamp_(-127, 127).add_(127)
    return _decoded(torch.where(amax.isnan(), 255, codes))


def encode_e8m0(scale: Tensor) -> Tensor:
    """Return the E8M0 codes (uint8, exponent + 127; 255 is NaN) of ``scale`` (float32, any shape).

    Raises UsageError when a scale is neither NaN nor a power of two from 2^-127 to 2^127.
    """
    bits = scale.contiguous().view(torch.int32)
    power = (bits == _SMALLEST) | ((bits > 0) & (bits < _EXPONENT) & ((bits & 0x007FFFFF) == 0))
    if not bool((power | scale.isnan()).all()):
        raise UsageError("E8M0 holds powers of two from 2^-127 to 2^127 and NaN only; these scales are others")
    return ((bits & _EXPONENT) >> 23).to(torch.uint8)


def decode_e8m0(codes: Tensor) -> Tensor:
    """Return the scales (float32) of E8M0 ``codes`` (uint8, any shape)."""
    return _decoded(codes.int())


def _decoded(codes: Tensor) -> Tensor:
    bits = torch.where(codes == 0, _SMALLEST, codes << 23)
    scale = bits.int().view(torch.float32)
    return scale.masked_fill_(codes == 255, float("nan"))
