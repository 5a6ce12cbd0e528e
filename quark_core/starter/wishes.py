"""What a person says who wants a first config: a device, how many bits, and what is quantized."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from quark_core.errors import UsageError
from quark_core.plugin.formats import FloatFormat, IntFormat
from quark_core.plugin.specs import DtypeSpec
from quark_core.registry import Registry

BITS = ("8", "4", "16")
"""Widths that may be asked for without naming a dtype; the usual one first."""


class What(StrEnum):
    """What is quantized; the usual choice first."""

    both = "weights-and-activations"
    weights = "weights"
    dynamic = "dynamic"


@dataclass(frozen=True)
class Wish:
    """A device, a dtype for weights, and what is quantized."""

    device: str
    dtype: DtypeSpec
    what: What


def dtype_of(bits: str, registry: Registry) -> DtypeSpec:
    """Return the dtype that a number of bits or a name means; raises UsageError, UnknownNameError."""
    if not bits.isdecimal():
        return registry.dtype(bits)
    found = next((spec for spec in registry.dtypes().values() if _has_width(spec, int(bits))), None)
    if bits not in BITS or found is None:
        raise UsageError(f"--bits {bits}: write one of {', '.join(BITS)}, or the name of a dtype: `quark show dtype`")
    return found


def _has_width(spec: DtypeSpec, bits: int) -> bool:
    # 16 bits are what models compute in; 16-bit integers must be asked for by name.
    if bits == 16:
        return isinstance(spec.format, FloatFormat) and not spec.scaled and spec.format.bits == bits
    return isinstance(spec.format, IntFormat) and spec.format.signed and spec.format.bits == bits
