"""Posits of 8 and 16 bits (Posit Standard 2022), stored as their own bit patterns."""

from quark_core.plugin import CodecFormat, DtypeSpec, Ref, hookimpl

QUARK_API = 1

FINEST = 16.0
"""What scales map the largest magnitude of a range onto.

Posits have the most fraction bits from 1/16 to 16. Data ends at the upper end of that, so eight octaves below its
largest value are as fine as they get, and tapering starts where there is little left to lose.
"""


def _posit(bits: int, codec: str) -> DtypeSpec:
    # maxpos of the standard, section 3: the largest value that has a pattern. Outliers go that far.
    maxpos = 2.0 ** (4 * (bits - 2))
    nar = 1 << (bits - 1)
    form = CodecFormat(bits, FINEST, Ref(f"quark_posit.codec:{codec}"), largest=maxpos, nan_code=nar)
    return DtypeSpec(f"posit.posit{bits}", form, f"{bits}-bit posit, es = 2.")


POSIT8 = _posit(8, "Posit8")
POSIT16 = _posit(16, "Posit16")


@hookimpl
def quark_dtypes() -> list[DtypeSpec]:
    """Return the two widths."""
    return [POSIT8, POSIT16]
