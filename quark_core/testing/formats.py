"""The values that a number format can hold, listed from its definition and not by the engine."""

from __future__ import annotations

from functools import cache

from quark_core.plugin import BlockFormat, CodebookFormat, CodecFormat, FloatFormat, Format, IntFormat


@cache
def values_of(fmt: Format) -> tuple[float, ...]:
    """Return every finite value of a format at scale 1, sorted; for a block format those of its element."""
    if isinstance(fmt, IntFormat):
        return tuple(float(code) for code in range(fmt.qmin, fmt.qmax + 1))
    if isinstance(fmt, BlockFormat):
        if isinstance(fmt.element, IntFormat):
            return values_of(fmt.element)
        return _floats(fmt.element)
    if isinstance(fmt, CodebookFormat):
        return fmt.values
    return _decoded(fmt) if isinstance(fmt, CodecFormat) else _floats(fmt)


def _floats(fmt: FloatFormat) -> tuple[float, ...]:
    top = (1 << fmt.exponent_bits) - 1
    ones = (1 << fmt.mantissa_bits) - 1
    magnitudes: list[float] = []
    for exponent in range(top + 1):
        for mantissa in range(ones + 1):
            all_ones = exponent == top and (fmt.specials == "ieee" or (fmt.specials == "fn" and mantissa == ones))
            if not all_ones:
                whole = mantissa if exponent == 0 else mantissa + ones + 1
                magnitudes.append(whole * 2.0 ** (max(exponent, 1) - fmt.exponent_bias - fmt.mantissa_bits))
    return (*(-value for value in reversed(magnitudes)), *magnitudes[1:])


def _decoded(fmt: CodecFormat) -> tuple[float, ...]:
    import torch

    decoded = fmt.codec.load()().decode(torch.arange(1 << fmt.bits, dtype=torch.int32))
    return tuple(sorted({float(value) for value in decoded[decoded.abs() <= fmt.limit]}))
