"""The number formats that Quark Core ships: integers, IEEE casts, OCP floats, OCP MX and NF4."""

from quark_core.plugin import BlockFormat, CodebookFormat, DtypeSpec, FloatFormat, IntFormat, hookimpl

QUARK_API = 1

# OCP 8-bit Floating Point Specification 1.0, and OCP Microscaling Formats (MX) Specification 1.0, section 5.3.
E4M3 = FloatFormat(exponent_bits=4, mantissa_bits=3, specials="fn")
E5M2 = FloatFormat(exponent_bits=5, mantissa_bits=2)
E3M2 = FloatFormat(exponent_bits=3, mantissa_bits=2, specials="none")
E2M3 = FloatFormat(exponent_bits=2, mantissa_bits=3, specials="none")
E2M1 = FloatFormat(exponent_bits=2, mantissa_bits=1, specials="none")

# Quantiles of the normal distribution, with an exact 0: Dettmers et al., QLoRA (2023), appendix E.
NF4 = (
    -1.0,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0.0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1.0,
)


def _integers() -> tuple[DtypeSpec, ...]:
    formats = [IntFormat(bits) for bits in (2, 3, 4, 5, 6, 7, 8, 16)]
    formats += [IntFormat(bits, signed=False) for bits in (2, 3, 4, 7, 8, 16)]
    return tuple(
        DtypeSpec(
            f"{'' if fmt.signed else 'u'}int{fmt.bits}",
            fmt,
            f"{fmt.bits}-bit {'' if fmt.signed else 'un'}signed integer, {fmt.qmin} to {fmt.qmax}.",
        )
        for fmt in formats
    )


def _mx(name: str, element: FloatFormat, words: str) -> DtypeSpec:
    return DtypeSpec(
        name, BlockFormat(element), f"OCP MX: blocks of 32 {words} elements that share a power-of-two scale."
    )


DTYPES = (
    *_integers(),
    DtypeSpec("bfloat16", FloatFormat(8, 7, overflow="infinity"), "Plain cast to bfloat16.", scaled=False),
    DtypeSpec("float16", FloatFormat(5, 10, overflow="infinity"), "Plain cast to IEEE half precision.", scaled=False),
    DtypeSpec("fp8_e4m3", E4M3, "8-bit float, OCP E4M3: largest value 448, saturating."),
    DtypeSpec("fp8_e5m2", E5M2, "8-bit float, OCP E5M2: largest value 57344, saturating."),
    DtypeSpec("fp6_e3m2", E3M2, "6-bit float, OCP E3M2: largest value 28, saturating."),
    DtypeSpec("fp6_e2m3", E2M3, "6-bit float, OCP E2M3: largest value 7.5, saturating."),
    DtypeSpec("fp4_e2m1", E2M1, "4-bit float, OCP E2M1: largest value 6, saturating."),
    _mx("mx", E4M3, "fp8_e4m3"),
    _mx("mxfp8_e5m2", E5M2, "fp8_e5m2"),
    _mx("mxfp6_e3m2", E3M2, "fp6_e3m2"),
    _mx("mxfp6_e2m3", E2M3, "fp6_e2m3"),
    _mx("mxfp4", E2M1, "fp4_e2m1"),
    DtypeSpec(
        "mxint8", BlockFormat(IntFormat(8)), "OCP MX: blocks of 32 fixed-point numbers that share a power-of-two scale."
    ),
    DtypeSpec(
        "nvfp4", BlockFormat(E2M1, 16, E4M3), "NVFP4: blocks of 16 fp4_e2m1 with fp8_e4m3 scales and a tensor scale."
    ),
    DtypeSpec("nf4", CodebookFormat(NF4), "4-bit codebook of normal quantiles (QLoRA), relative to the largest value."),
)


@hookimpl
def quark_dtypes() -> tuple[DtypeSpec, ...]:
    """Return the bundled dtypes."""
    return DTYPES
