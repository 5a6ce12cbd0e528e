"""E8M0: the power-of-two scales of MX blocks, as floats and as bytes.

Source: OCP Microscaling Formats (MX) Specification 1.0, sections 5.4.1 (E8M0) and 6.3 (conversion).
"""

import torch
from torch import Tensor

from quark_core.config.scaling import ScaleRule
from quark_core.errors import UsageError
from quark_core.plugin.formats import BlockFormat, IntFormat

_SMALLEST = 0x00400000
"""Bits of 2^-127, which is a subnormal float32."""
_EXPONENT = 0x7F800000
_STEP = 1 << 23
"""From one power of two to the next, in the bits of a float32."""


def shared_scale(amax: Tensor, fmt: BlockFormat, rule: ScaleRule = ScaleRule.floor) -> Tensor:
    """Return the power of two that a block shares, its exponent clamped to [-127, 127]; any shape, float32.

    ``floor``: 2^(floor(log2(amax)) - emax). ``even``: the same of amax rounded half up to the element's mantissa bits.
    ``rceil``: the smallest power of two at or above amax / largest element. NaN gives NaN, infinity counts as the
    largest float32, 0 gives 2^-127. Exponents are read off the bits: float log2 is wrong one ulp below a power of two.
    """
    if rule is ScaleRule.floor and fmt.emax >= 0:
        return _floored(amax, fmt)
    finite = amax.clamp(max=torch.finfo(torch.float32).max).double()
    if rule is ScaleRule.rceil:
        ratio = finite / fmt.max
        exponent = _exponent(ratio)
        exponent += (torch.ldexp(ratio, -exponent) > 1).int()
    else:
        exponent = _exponent(_rounded_up(finite, fmt) if rule is ScaleRule.even else finite) - fmt.emax
    codes = exponent.clamp_(-127, _top(fmt)).add_(127)
    return _decoded(torch.where(amax.isnan(), 255, torch.where(amax == 0, 0, codes)))


def _floored(amax: Tensor, fmt: BlockFormat) -> Tensor:
    # floor needs no float64: each amax below 2^-126 leads to 2^-127, so the exponents of subnormals are not asked for.
    bits = (amax.view(torch.int32) & _EXPONENT).clamp_(max=_EXPONENT - _STEP)
    bits.sub_(fmt.emax * _STEP).clamp_(_SMALLEST, (_top(fmt) + 127) * _STEP)
    return torch.where(amax.isnan(), amax, bits.view(torch.float32))


def _top(fmt: BlockFormat) -> int:
    """Return the largest exponent: the smallest integer element is -2, and twice 2^127 is no float32."""
    return 126 if isinstance(fmt.element, IntFormat) else 127


def _exponent(x: Tensor) -> Tensor:
    """Return floor(log2(x)) of positive float64, which holds every float32 as a normal number."""
    return (x.view(torch.int64) >> 52).int() - 1023


def _rounded_up(x: Tensor, fmt: BlockFormat) -> Tensor:
    mantissa_bits = fmt.fraction_bits if isinstance(fmt.element, IntFormat) else fmt.element.mantissa_bits
    half = 1 << (52 - mantissa_bits - 1)
    return (x.view(torch.int64) + half).view(torch.float64)


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
