"""The closed and the seed vocabularies of a config, as string enums.

Nothing here imports anything beyond the standard library, so these names are free to use anywhere.
``Dtype``, ``RoundType``, ``DeviceType`` and ``QuantizationMode`` are open: a config may also name what a plugin adds.
"""

from enum import StrEnum


class QSchemeType(StrEnum):
    """How many scales a tensor has; ``per_token`` and ``per_block`` extend the seed."""

    per_tensor = "per_tensor"
    per_channel = "per_channel"
    per_group = "per_group"
    per_token = "per_token"  # noqa: S105 - a token of text, no secret
    per_block = "per_block"


class Dtype(StrEnum):
    """Number formats that are always there."""

    int8 = "int8"
    uint8 = "uint8"
    int4 = "int4"
    uint4 = "uint4"
    bfloat16 = "bfloat16"
    float16 = "float16"
    fp8_e4m3 = "fp8_e4m3"
    mx = "mx"


class ScaleType(StrEnum):
    """Which numbers a scale may be."""

    float = "float"
    pof2 = "pof2"


class RoundType(StrEnum):
    """Rounding schemes that are always there."""

    round = "round"
    floor = "floor"
    half_even = "half_even"


class DeviceType(StrEnum):
    """Devices that are always there."""

    CPU = "CPU"
    IPU = "IPU"


class QuantizationMode(StrEnum):
    """Ways to take a model apart that are always there."""

    eager_mode = "eager_mode"
    fx_graph_mode = "fx_graph_mode"
