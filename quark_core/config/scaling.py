"""How scales are rounded and stored: vocabularies beyond the seed's, as light to import as those."""

from enum import StrEnum


class ScaleRule(StrEnum):
    """How a power-of-two scale is found.

    Of ``scale_type: pof2``, from the float scale: ``round`` (nearest exponent), ``ceil``, ``floor``. Of MX blocks, from
    the largest magnitude: ``floor`` (OCP MX 1.0, section 6.3), ``even``, ``rceil``.
    """

    round = "round"
    ceil = "ceil"
    floor = "floor"
    even = "even"
    rceil = "rceil"


class ScaleDtype(StrEnum):
    """How float scales are stored."""

    float32 = "float32"
    float16 = "float16"
    bfloat16 = "bfloat16"
