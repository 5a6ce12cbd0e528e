"""The number formats that Quark Core ships: integers, IEEE casts, OCP fp8 and OCP MX."""

from quark_core.plugin import BlockFormat, DtypeSpec, FloatFormat, IntFormat, hookimpl

QUARK_API = 1

E4M3 = FloatFormat(exponent_bits=4, mantissa_bits=3, specials="fn")

DTYPES = (
    DtypeSpec("int8", IntFormat(8), "8-bit signed integer, -128 to 127."),
    DtypeSpec("uint8", IntFormat(8, signed=False), "8-bit unsigned integer, 0 to 255."),
    DtypeSpec("int4", IntFormat(4), "4-bit signed integer, -8 to 7."),
    DtypeSpec("uint4", IntFormat(4, signed=False), "4-bit unsigned integer, 0 to 15."),
    DtypeSpec("bfloat16", FloatFormat(8, 7, overflow="infinity"), "Plain cast to bfloat16.", scaled=False),
    DtypeSpec("float16", FloatFormat(5, 10, overflow="infinity"), "Plain cast to IEEE half precision.", scaled=False),
    DtypeSpec("fp8_e4m3", E4M3, "8-bit float, OCP E4M3: largest value 448, saturating."),
    DtypeSpec("mx", BlockFormat(E4M3), "OCP MX: blocks of 32 fp8_e4m3 elements that share a power-of-two scale."),
)


@hookimpl
def quark_dtypes() -> tuple[DtypeSpec, ...]:
    """Return the bundled dtypes."""
    return DTYPES
