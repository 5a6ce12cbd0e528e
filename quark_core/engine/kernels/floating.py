"""Binary floating-point formats: rounding on the grid of the element's ulp, and bit patterns."""

from functools import cache
from math import inf, ldexp, nan

import torch
from torch import Tensor

from quark_core.engine.kernels.grid import Grid, Quotient, Shift, layout, torch_dtype
from quark_core.engine.kernels.halves import rounded_as
from quark_core.engine.kernels.missing import refuse_nan
from quark_core.engine.kernels.scratch import Scratch
from quark_core.engine.kernels.tracing import is_traced
from quark_core.plugin.formats import FloatFormat
from quark_core.plugin.protocols import Rounding


class FloatKernel:
    """Rounds to any FloatFormat under any rounding scheme; keeps NaN, the sign of zero and subnormals.

    Source: IEEE 754-2019 sections 3.4 and 4.3; OCP 8-bit Floating Point Specification 1.0 (saturation, E4M3).
    """

    keeps_sign_of_zero = True

    def __init__(self, fmt: FloatFormat, rounding: Rounding, *, clips: bool, half_even: bool) -> None:
        self._fmt = fmt
        self._rounding = rounding
        self._clips = clips
        self._max = fmt.max
        # float32 has no normal number below 2^-126, and loses tiny values that are divided by a binade above 1.
        self._dtype = torch.float32 if -126 <= fmt.emin <= 0 else torch.float64
        self._native = torch_dtype(fmt) if half_even else None
        shifts = half_even and Shift.fits(fmt)
        self._grid: Grid = Shift(fmt) if shifts else Quotient(fmt, rounding)
        self._grid_dtype = torch.float32 if shifts else self._dtype

    @property
    def cast_dtype(self) -> torch.dtype | None:
        """Return the torch dtype whose cast is ``snap``, or None."""
        return self._native if self._fmt.overflow == "infinity" else None

    def snap(self, v: Tensor, zero_point: Tensor | float, scratch: Scratch) -> None:
        """Round ``v`` in place; beyond the largest value it saturates or overflows as the format says."""
        del zero_point
        fmt = self._fmt
        if fmt.overflow == "saturate":
            v.clamp_(-self._max, self._max)
            self._round(v, scratch)
        elif self._native is not None:
            self._round(v, scratch)
        else:
            self._overflow(v, scratch)

    def _overflow(self, v: Tensor, scratch: Scratch) -> None:
        fmt = self._fmt
        infinite = _infinities(v, scratch)
        # One float32 below the first power of two out of range: it rounds there or back to max, as the scheme has it.
        limit = (2.0 - 2.0**-23) * 2.0**fmt.emax
        v.clamp_(-limit, limit)
        self._round(v, scratch)
        if fmt.emax < 127:
            # Exact for all that fits; what was rounded out of range overflows to infinity and stays there.
            # In two steps, since one factor need not be a float32.
            first, second = 2.0 ** min(127, 127 - fmt.emax), 2.0 ** max(0, -fmt.emax)
            v.mul_(first).mul_(second).mul_(1 / second).mul_(1 / first)
        if infinite is not None:
            v.copy_(torch.where(infinite, v * inf, v))

    def _round(self, v: Tensor, scratch: Scratch) -> None:
        if self._native is not None and is_traced():
            v.copy_(rounded_as(v, self._native))
        elif self._native is not None:
            v.copy_(scratch.like(v, 0, self._native).copy_(v))
        elif self._grid_dtype is v.dtype:
            self._grid(v, scratch)
        else:
            work = v.double()
            self._grid(work, scratch)
            v.copy_(work)

    def encode(self, v: Tensor, zero_point: Tensor) -> Tensor:
        """Return bit patterns (sign, exponent, mantissa), int32 or int16; DataError for NaN where there is none."""
        fmt = self._fmt
        if _nan_code(fmt) is None:
            refuse_nan(v, f"a {fmt.bits}-bit float with specials={fmt.specials!r} has")
        self.snap(v, zero_point, Scratch())
        size = v.abs().to(self._dtype)
        finite = bool(size.amax() < inf)
        if finite and self._native is not None:
            return v.to(self._native).view(torch.int16)
        if not finite:
            size.masked_fill_(~size.isfinite(), 0.0)
        codes = _unsigned_codes(size, fmt)
        if not finite:
            codes.masked_fill_(v.isinf(), _infinity_code(fmt))
        codes.add_(v.view(torch.int32) >> 31, alpha=-1 << (fmt.bits - 1))
        return codes if finite else codes.masked_fill_(v.isnan(), _nan_code(fmt) or 0)

    def decode(self, codes: Tensor, zero_point: Tensor) -> Tensor:
        """Return the value of each bit pattern, float32."""
        del zero_point
        index = codes.int() & ((1 << self._fmt.bits) - 1)
        return _table(self._fmt, codes.device).index_select(0, index.reshape(-1)).view(codes.shape)

    def bounds(self, zero_point: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return +-max; None for plain casts, and for MX elements, whose scale fits the block."""
        if not self._clips:
            return None
        high = torch.full_like(zero_point, self._fmt.max)
        return -high, high


def _infinities(v: Tensor, scratch: Scratch) -> Tensor | None:
    """Return where ``v`` is infinite; None where it nowhere is, as far as that can be known now."""
    if is_traced():
        return v.isinf()
    top = torch.abs(v, out=scratch.like(v, 0)).amax() if v.numel() else v.new_zeros(())
    # isinf takes longer than all the rest; NaN may hide an infinity.
    return None if bool(top < inf) else v.isinf()


def _unsigned_codes(size: Tensor, fmt: FloatFormat) -> Tensor:
    """Return the codes, int32, of ``size`` (finite magnitudes of values of ``fmt``, float32 or float64; used up).

    A normal's code is the exponent and mantissa of its float but for the bias; a subnormal's is its number of ulps,
    the last bits of its sum with the power of two that has this ulp. Clamped, either is a constant for the other's
    values, so the code is their sum but for a constant.
    """
    bits, mantissa, bias = layout(size.dtype)
    spare = mantissa - fmt.mantissa_bits
    least = (fmt.emin + bias) << fmt.mantissa_bits
    codes = (size.view(bits) >> spare).clamp_(min=least)
    size.clamp_(max=2.0**fmt.emin).add_(2.0 ** (fmt.emin + spare))
    return codes.add_(size.view(bits)).sub_(least + ((fmt.emin + spare + bias) << mantissa)).int()


def _infinity_code(fmt: FloatFormat) -> int:
    return ((1 << fmt.exponent_bits) - 1) << fmt.mantissa_bits


def _nan_code(fmt: FloatFormat) -> int | None:
    if fmt.specials == "fn":
        return (1 << (fmt.bits - 1)) - 1
    if fmt.specials == "none" or fmt.mantissa_bits == 0:
        return None
    return _infinity_code(fmt) | (1 << (fmt.mantissa_bits - 1))


@cache
def _table(fmt: FloatFormat, device: torch.device) -> Tensor:
    half = [_value(fmt, code) for code in range(1 << (fmt.bits - 1))]
    return torch.tensor(half + [-value for value in half], dtype=torch.float32, device=device)


def _value(fmt: FloatFormat, code: int) -> float:
    if fmt.specials == "fn" and code == _nan_code(fmt):
        return nan
    if fmt.specials == "ieee" and code >= _infinity_code(fmt):
        return inf if code == _infinity_code(fmt) else nan
    field, mantissa = divmod(code, 1 << fmt.mantissa_bits)
    if field:
        mantissa += 1 << fmt.mantissa_bits
    return ldexp(mantissa, max(field, 1) - 1 + fmt.emin - fmt.mantissa_bits)
