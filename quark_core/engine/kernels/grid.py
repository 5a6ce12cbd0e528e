"""Rounding on the grid of a floating-point format's ulp, IN PLACE; the sign of zero and NaN stay."""

from typing import Protocol

import torch
from torch import Tensor

from quark_core.engine.kernels.scratch import Scratch
from quark_core.plugin.formats import FloatFormat
from quark_core.plugin.protocols import Rounding

_SIGN = -(1 << 31)
"""The sign bit of a float32."""


class Grid(Protocol):
    """Rounds finite values whose magnitude is below 2^(emax + 1)."""

    def __call__(self, v: Tensor, scratch: Scratch) -> None:
        """Round ``v`` (float32 or float64) in place."""


class Shift:
    """Half-even: subtracts and adds a number so large that the difference's last bit is the element's last bit.

    The hardware's own rounding, IEEE ties-to-even, then does the work, subnormals included. With m mantissa bits and a
    magnitude a the number is 2^(23 - m) * max(a, 1.5 * 2^emin). For a normal element it is a itself, shifted: the
    difference, just below it, has its ulp or, near a power of two, a finer one where no tie is. For a subnormal one it
    is a constant far from both ends of its binade.
    """

    def __init__(self, fmt: FloatFormat) -> None:
        self._least = 1.5 * 2.0**fmt.emin
        self._factor = 2.0 ** (23 - fmt.mantissa_bits)

    @staticmethod
    def fits(fmt: FloatFormat) -> bool:
        """Return whether float32 holds every number that is subtracted, and ties are far from powers of two."""
        return fmt.emin >= -126 and fmt.emax + 24 - fmt.mantissa_bits <= 127 and fmt.mantissa_bits <= 10

    def __call__(self, v: Tensor, scratch: Scratch) -> None:
        """Round float32 ``v`` in place."""
        magnitude = torch.abs(v, out=scratch.like(v, 1))
        large = torch.clamp(magnitude, min=self._least, out=scratch.like(v, 0))
        # alpha spares a pass; the product is exact, so it does not matter whether the addition is fused with it.
        magnitude.sub_(large, alpha=self._factor).add_(large, alpha=self._factor)
        if torch.compiler.is_compiling():
            # Compilers vectorize it, but not code that reads a float's bits as an integer.
            v.copy_(torch.copysign(magnitude, v))
        else:
            # Two passes over integers are several times faster than copysign.
            v.view(torch.int32).bitwise_and_(_SIGN).bitwise_or_(magnitude.view(torch.int32))


class Quotient:
    """Any rounding scheme: applies it to the value divided by its ulp."""

    def __init__(self, fmt: FloatFormat, rounding: Rounding) -> None:
        self._emin = fmt.emin
        self._steps = 2.0**fmt.mantissa_bits
        self._rounding = rounding
        # The ulp of bfloat16 subnormals has no float32 reciprocal, and division by it no float32 quotient.
        self._has_ulp = fmt.emin - fmt.mantissa_bits >= -126

    def __call__(self, v: Tensor, scratch: Scratch) -> None:
        """Round ``v`` in place."""
        unit = binades(v, self._emin, scratch.like(v, 0, v.dtype))
        work = scratch.like(v, 1, v.dtype)
        if self._has_ulp:
            self._rounding(torch.div(v, unit.mul_(1 / self._steps), out=work))
            work.mul_(unit)
        else:
            self._rounding(torch.div(v, unit, out=work).mul_(self._steps))
            work.mul_(1 / self._steps).mul_(unit)
        torch.copysign(work, v, out=v)


def binades(v: Tensor, emin: int, out: Tensor) -> Tensor:
    """Return in ``out`` the power of two at or below each magnitude, at least 2^emin; infinity for NaN."""
    bits, mantissa, bias = layout(v.dtype)
    mask = (2 * bias + 1) << mantissa
    torch.bitwise_and(v.view(bits), mask, out=out.view(bits)).clamp_(min=(emin + bias) << mantissa)
    return out


def layout(dtype: torch.dtype) -> tuple[torch.dtype, int, int]:
    """Return the integer dtype, the mantissa bits and the exponent bias of float32 or float64."""
    return (torch.int32, 23, 127) if dtype is torch.float32 else (torch.int64, 52, 1023)


def torch_dtype(fmt: FloatFormat) -> torch.dtype | None:
    """Return the torch dtype that IS the format, and whose cast is IEEE ties-to-even, or None."""
    if fmt == FloatFormat(8, 7, overflow=fmt.overflow):
        return torch.bfloat16
    return torch.float16 if fmt == FloatFormat(5, 10, overflow=fmt.overflow) else None
