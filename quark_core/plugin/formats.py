"""Number formats as data: what a dtype is, so that most dtypes need no torch code."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from quark_core.plugin.ref import Ref

if TYPE_CHECKING:
    from quark_core.plugin.protocols import Codec

FLOAT32_MAX = (2.0 - 2.0**-23) * 2.0**127


@dataclass(frozen=True)
class IntFormat:
    """Integers, two's complement when signed."""

    bits: int
    """Width of a code, 1 to 16."""
    signed: bool = True

    def __post_init__(self) -> None:
        if not 1 + self.signed <= self.bits <= 16:
            raise ValueError(f"IntFormat(bits={self.bits}, signed={self.signed}): bits must be 1 (2 if signed) to 16")

    @property
    def qmin(self) -> int:
        """Smallest code."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def qmax(self) -> int:
        """Largest code."""
        return (1 << (self.bits - self.signed)) - 1


@dataclass(frozen=True)
class FloatFormat:
    """A binary floating-point format of 16 bits at most: sign, exponent, mantissa, with subnormals."""

    exponent_bits: int
    mantissa_bits: int
    specials: Literal["ieee", "fn", "none"] = "ieee"
    """``ieee``: the all-ones exponent holds Inf and NaN. ``fn``: only the all-ones code is NaN, no Inf (OCP e4m3).
    ``none``: every code is a number (OCP fp6 and fp4)."""
    bias: int | None = None
    """Exponent bias; by default 2^(exponent_bits - 1) - 1."""
    overflow: Literal["saturate", "infinity"] = "saturate"
    """What a value beyond the largest finite one becomes; ``infinity`` needs ``ieee``."""

    def __post_init__(self) -> None:
        if not (2 <= self.exponent_bits <= 8 and self.mantissa_bits >= 0 and 3 <= self.bits <= 16):
            raise ValueError(f"{self}: 2 to 8 exponent bits and 3 to 16 bits in all are possible")
        for name, known in (("specials", ("ieee", "fn", "none")), ("overflow", ("saturate", "infinity"))):
            if getattr(self, name) not in known:
                raise ValueError(f"{self}: {name} is one of {', '.join(known)}")
        if self.specials == "fn" and self.mantissa_bits == 0:
            raise ValueError(f"{self}: specials='fn' needs a mantissa, else its NaN takes a whole binade")
        if self.overflow == "infinity" and self.specials != "ieee":
            raise ValueError(f"{self}: overflow='infinity' needs specials='ieee'")
        if not (self.emin - self.mantissa_bits >= -149 and self.emax <= 127):
            raise ValueError(f"{self}: its values do not fit into float32")

    @property
    def bits(self) -> int:
        """Width of a code."""
        return 1 + self.exponent_bits + self.mantissa_bits

    @property
    def exponent_bias(self) -> int:
        """The bias in use."""
        return (1 << (self.exponent_bits - 1)) - 1 if self.bias is None else self.bias

    @property
    def emin(self) -> int:
        """Exponent of the smallest normal value."""
        return 1 - self.exponent_bias

    @property
    def emax(self) -> int:
        """Exponent of the largest finite value."""
        return (1 << self.exponent_bits) - 1 - (self.specials == "ieee") - self.exponent_bias

    @property
    def max(self) -> float:
        """Largest finite value."""
        mantissa = (1 << (self.mantissa_bits + 1)) - 1 - (self.specials == "fn")
        return float(mantissa) * 2.0 ** (self.emax - self.mantissa_bits)


@dataclass(frozen=True)
class BlockFormat:
    """Blocks of elements that share one scale: OCP Microscaling, and NVFP4.

    Without ``scale`` the shared scale is a power of two, stored as 8-bit E8M0 (OCP Microscaling Formats (MX)
    Specification 1.0, section 5). With ``scale`` it is a number of that format, relative to one float32 scale of the
    whole tensor (NVFP4: 16 E2M1 elements, E4M3 scales).
    """

    element: FloatFormat | IntFormat
    """An IntFormat is fixed point: two integer bits, sign included, and ``bits - 2`` fraction bits (MXINT8)."""
    block_size: int = 32
    scale: FloatFormat | None = None
    """Format of the shared scale; None for E8M0."""

    def __post_init__(self) -> None:
        if self.block_size < 1:
            raise ValueError(f"BlockFormat(block_size={self.block_size}): must be at least 1")
        if isinstance(self.element, IntFormat):
            if not self.element.signed or self.scale is not None:
                raise ValueError("BlockFormat: an IntFormat element is signed and has E8M0 scales")
        elif self.element.overflow != "saturate":
            raise ValueError("BlockFormat: its element saturates; give a FloatFormat with overflow='saturate'")

    @property
    def bits(self) -> int:
        """Width of an element's code; the shared scale's bits come on top of it."""
        return self.element.bits

    @property
    def fraction_bits(self) -> int:
        """Bits of an integer element behind the binary point; 0 for floats."""
        return self.element.bits - 2 if isinstance(self.element, IntFormat) else 0

    @property
    def emax(self) -> int:
        """Exponent of the element's largest value."""
        return 0 if isinstance(self.element, IntFormat) else self.element.emax

    @property
    def max(self) -> float:
        """Largest magnitude of an element on both sides of 0."""
        return self.element.qmax / 2**self.fraction_bits if isinstance(self.element, IntFormat) else self.element.max


@dataclass(frozen=True)
class CodebookFormat:
    """A list of values; a code is an index into it. Values are relative to the scale."""

    values: tuple[float, ...]
    """Strictly increasing, 2 to 256 of them, the largest magnitude above 0."""

    def __post_init__(self) -> None:
        if not 2 <= len(self.values) <= 256:
            raise ValueError(f"CodebookFormat: {len(self.values)} values; 2 to 256 are possible")
        if any(not a < b for a, b in zip(self.values, self.values[1:], strict=False)):
            raise ValueError("CodebookFormat: values must be strictly increasing")
        if max(map(abs, self.values)) > FLOAT32_MAX:
            raise ValueError("CodebookFormat: values must be finite float32 numbers")
        if len({struct.pack("<f", value) for value in self.values}) < len(self.values):
            raise ValueError("CodebookFormat: two values are the same float32 number")
        # A codebook has one zero, whose sign says nothing.
        object.__setattr__(self, "values", tuple(value + 0.0 for value in self.values))

    @property
    def bits(self) -> int:
        """Width of a code."""
        return (len(self.values) - 1).bit_length()


@dataclass(frozen=True)
class CodecFormat:
    """A format with torch code of its own, for what the other formats cannot say."""

    bits: int
    """Width of a code, 1 to 16."""
    max: float
    """What the scale maps the largest magnitude of an observed range onto."""
    codec: Ref[type[Codec]]
    largest: float | None = None
    """Largest magnitude that has a code; values beyond it become it before they are encoded. By default ``max``."""
    nan_code: int | None = field(default=None, kw_only=True)
    """Code that stands for NaN, which then is neither refused nor given to the codec; None where there is none."""

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 16:
            raise ValueError(f"CodecFormat(bits={self.bits}): must be 1 to 16")
        if not 0 < self.max < float("inf"):
            raise ValueError(f"CodecFormat(max={self.max}): must be positive and finite")
        if not self.max <= self.limit <= FLOAT32_MAX:
            raise ValueError(f"CodecFormat(largest={self.largest}): must be at least max={self.max}, and fit float32")
        if self.nan_code is not None and not 0 <= self.nan_code < 1 << self.bits:
            raise ValueError(f"CodecFormat(nan_code={self.nan_code}): must be a code of {self.bits} bits")

    @property
    def limit(self) -> float:
        """Largest magnitude that has a code."""
        return self.max if self.largest is None else self.largest


def has_signed_codes(fmt: Format) -> bool:
    """Return whether codes are two's complement integers; other codes are bit patterns or indexes."""
    element = fmt.element if isinstance(fmt, BlockFormat) else fmt
    return isinstance(element, IntFormat) and element.signed


Format = IntFormat | FloatFormat | BlockFormat | CodebookFormat | CodecFormat


def format_words(formats: Iterable[type[Format]]) -> list[str]:
    """Return what messages call classes of formats: ``integer``, ``codebook``."""
    return [_WORDS[cls] for cls in formats]


_WORDS: Mapping[type[Format], str] = {
    IntFormat: "integer",
    FloatFormat: "float",
    BlockFormat: "block",
    CodebookFormat: "codebook",
    CodecFormat: "codec",
}
