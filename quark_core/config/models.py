"""The config: what a person says about how a model is to be quantized."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import (
    MISSING,
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    PrivateAttr,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from quark_core.config.check import check_device, check_roles, check_tensor, validate_with
from quark_core.config.choice import Chosen
from quark_core.config.patterns import LayerPattern
from quark_core.config.scaling import ScaleDtype, ScaleRule
from quark_core.config.type import DeviceType, QSchemeType, QuantizationMode, RoundType, ScaleType
from quark_core.config.version import Version
from quark_core.errors import Place
from quark_core.plugin.options import Options

Role = Literal["weight", "input", "output", "bias"]

ONE_OR_MANY = "x-quark-one-or-many"
"""JSON Schema keyword on an array that may also be a single item; ``quark_core.config.schema`` writes it out."""


def _whole(value: Any) -> Any:
    # JSON Schema counts 16.0 as an integer, so the model does too.
    return int(value) if isinstance(value, float) and value.is_integer() else value


# The constraint stands inside, before the validator: the other way round pydantic writes "ge" for "minimum".
_Positive = Annotated[Annotated[int, Field(ge=1)], BeforeValidator(_whole)]
_Axis = Annotated[Annotated[int, Field(ge=-8, le=7)], BeforeValidator(_whole)]


def _not_empty(value: tuple[str, ...]) -> tuple[str, ...]:
    # A length constraint of pydantic's would count faulty items as missing and report them twice.
    if not value:
        raise PydanticCustomError("too_short", "List should have at least 1 item")
    return value


_TWO: dict[str, Any] = {"minItems": 2, "maxItems": 2}


def _two(value: tuple[int, ...]) -> tuple[int, ...]:
    if len(value) != 2:
        raise PydanticCustomError("block_size", "List should have 2 items: rows and columns")
    return value


_Patterns = Annotated[
    tuple[LayerPattern, ...], Field(strict=False, json_schema_extra={"minItems": 1}), AfterValidator(_not_empty)
]


@dataclass(frozen=True)
class _OneOrMany:
    """Takes one pattern where a list is meant, and gives a lone one back as it was; error paths stay plain."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        del source
        dump = core_schema.plain_serializer_function_ser_schema(lambda v: v[0] if len(v) == 1 else list(v))
        return core_schema.no_info_before_validator_function(
            lambda v: (v,) if isinstance(v, str) else v, handler.generate_schema(_Patterns), serialization=dump
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        many = handler(schema)
        return {ONE_OR_MANY: True, **many}


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        defer_build=True,
    )

    def to_dict(self) -> dict[str, Any]:
        """Return what was said, as plain JSON values; what was left out stays out."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class TensorConfig(_Model):
    """How one tensor of a layer is quantized."""

    dtype: Annotated[str, Chosen("dtype")]
    """Number format of the quantized values."""
    qscheme: Annotated[QSchemeType, Field(strict=False)] = QSchemeType.per_tensor
    """How many scales the tensor has."""
    ch_axis: Annotated[_Axis | MISSING, Field(json_schema_extra={"examples": [0, 1]})] = MISSING
    """Axis that the scales run along; by default the layer's output (per_channel) or input channels (per_group)."""
    group_size: Annotated[_Positive | MISSING, Field(json_schema_extra={"examples": [32, 64, 128]})] = MISSING
    """Number of values that share one scale. Only with `qscheme: per_group`."""
    block_size: Annotated[
        Annotated[tuple[_Positive, ...], Field(strict=False, json_schema_extra=_TWO), AfterValidator(_two)] | MISSING,
        Field(json_schema_extra={"examples": [[128, 128]]}),
    ] = MISSING
    """Rows and columns that share one scale. Only with `qscheme: per_block`."""
    symmetric: bool = True
    """Whether the zero point is fixed at 0."""
    scale_type: Annotated[ScaleType, Field(strict=False)] = ScaleType.float
    """Which numbers a scale may be."""
    scale_rule: Annotated[ScaleRule | MISSING, Field(strict=False)] = MISSING
    """How a power-of-two scale is found. By default `round`, for MX dtypes `floor`."""
    scale_dtype: Annotated[ScaleDtype, Field(strict=False)] = ScaleDtype.float32
    """How float scales are stored."""
    round_method: Annotated[str | Options, Chosen("rounding")] = RoundType.half_even.value
    """How a scaled value becomes a representable one: a name, or `name` with options."""
    observer: Annotated[
        Annotated[str | Options, Chosen("observer")] | MISSING, Field(json_schema_extra={"examples": ["min_max"]})
    ] = MISSING
    """How the range of values is measured: a name, or `name` with options. By default `min_max`."""
    is_dynamic: bool = False
    """Whether the scale is computed from each batch at run time instead of once in calibration."""

    @model_validator(mode="wrap")
    @classmethod
    def _rules(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return validate_with(data, handler, check_tensor)


class _TensorRoles(_Model):
    weight: TensorConfig | MISSING = MISSING
    """Weights."""
    input: TensorConfig | MISSING = MISSING
    """Activations that enter a layer."""
    output: TensorConfig | MISSING = MISSING
    """Activations that leave a layer."""
    bias: TensorConfig | MISSING = MISSING
    """Biases."""

    @model_validator(mode="wrap")
    @classmethod
    def _role_rules(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return validate_with(data, handler, check_roles)

    def role(self, role: str) -> TensorConfig | None:
        """Return the tensor config of a role, or None where nothing was said."""
        value: TensorConfig | Any = getattr(self, role)
        return None if value is MISSING else value


class LayerConfig(_TensorRoles):
    """What differs for some layers. Later entries win over earlier ones, role by role."""

    match: Annotated[
        str | tuple[str, ...],
        _OneOrMany(),
        Field(json_schema_extra={"examples": ["lm_head", "glob:*.q_proj", "type:Linear"]}),
    ]
    """Which layers: an exact name, `glob:…`, `re:…` (whole name) or `type:…` (class); one pattern or a list."""
    skip: Annotated[tuple[Role, ...], Field(strict=False)] = ()
    """Tensors of these layers that stay in floating point."""

    @property
    def patterns(self) -> tuple[str, ...]:
        """The patterns as a tuple."""
        return (self.match,) if isinstance(self.match, str) else self.match


class CalibrationConfig(_Model):
    """How ranges of activations are measured."""

    batches: _Positive = 32
    """Largest number of batches that are run."""


class VerifyConfig(_Model):
    """What the quantized model must reach, or there is no result."""

    min_sqnr_db: Annotated[float | MISSING, Field(json_schema_extra={"examples": [30]})] = MISSING
    """Least signal to quantization noise of the outputs, in decibels."""
    min_agreement: Annotated[
        Annotated[float, Field(ge=0, le=1)] | MISSING, Field(json_schema_extra={"examples": [0.99]})
    ] = MISSING
    """Least share of the outputs' rows whose largest value stays at the same place, from 0 to 1."""
    probe_batches: Annotated[Annotated[int, Field(ge=0)], BeforeValidator(_whole)] = 1
    """Calibration batches that are replayed through the float and the quantized model; 0 replays none."""


class QuantConfig(_TensorRoles):
    """A Quark Core config: how a model is to be quantized."""

    schema_: Annotated[str | MISSING, Field(alias="$schema")] = MISSING
    """URL or path of this JSON Schema, for editors."""
    version: Version = 1
    """Version of the config format."""
    mode: Annotated[str | Options, Chosen("mode")] = QuantizationMode.eager_mode.value
    """How the model is taken apart: a name, or `name` with options."""
    device: Annotated[str | Options, Chosen("device")] = DeviceType.CPU.value
    """What the model is quantized for: a name, or `name` with options. The config is checked against it."""
    layers: Annotated[tuple[LayerConfig, ...], Field(strict=False)] = ()
    """What differs for some layers; later entries win."""
    exclude: Annotated[tuple[LayerPattern, ...], Field(strict=False)] = ()
    """Layers that stay in floating point, whatever else is said about them."""
    calibration: CalibrationConfig = CalibrationConfig()
    """How ranges of activations are measured."""
    verify: VerifyConfig = VerifyConfig()
    """What the quantized model must reach."""
    requires: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Distributions that must be installed, such as `quark-acme>=0.1`."""

    _places: Mapping[tuple[str | int, ...], Place] = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def _device_rules(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return validate_with(data, handler, check_device)

    def place(self, *path: str | int) -> Place | None:
        """Return where something was written, when the config came from a file."""
        return self._places.get(path)

    def place_near(self, *path: str | int) -> Place | None:
        """Return where something, or the nearest part of the config around it, was written."""
        places = (self.place(*path[:end]) for end in range(len(path), 0, -1))
        return next((place for place in places if place is not None), None)

    def placed(self, places: Mapping[tuple[str | int, ...], Place]) -> Self:
        """Return a copy that knows where each of its parts was written."""
        copy = self.model_copy()
        copy._places = dict(places)  # noqa: SLF001 - our own class
        return copy

    def __eq__(self, other: object) -> bool:
        # Where a config was written is not part of what it says.
        return isinstance(other, QuantConfig) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash(tuple(self.__dict__.values()))


__all__ = ["ONE_OR_MANY", "CalibrationConfig", "LayerConfig", "QuantConfig", "TensorConfig", "VerifyConfig"]
