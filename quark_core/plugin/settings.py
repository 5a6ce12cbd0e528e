"""A TensorConfig with every default filled in and every name looked up: what the engine obeys."""

from collections.abc import Iterator
from dataclasses import dataclass

from quark_core.config.scaling import ScaleDtype, ScaleRule
from quark_core.config.type import QSchemeType, ScaleType
from quark_core.plugin.formats import CodecFormat
from quark_core.plugin.options import Options
from quark_core.plugin.specs import DtypeSpec, ObserverSpec, RoundingSpec


@dataclass(frozen=True)
class Settings:
    """How one tensor is quantized, in full."""

    dtype: DtypeSpec
    rounding: RoundingSpec
    rounding_options: Options
    qscheme: QSchemeType | None = None
    """None for a plain cast."""
    axis: int | None = None
    """Axis of ``per_channel`` and ``per_group``; None for the other schemes."""
    group_size: int | None = None
    """Values that share one scale; only with ``per_group``."""
    block_size: tuple[int, int] | None = None
    """Rows and columns that share one scale; only with ``per_block``."""
    symmetric: bool = True
    scale_type: ScaleType = ScaleType.float
    scale_rule: ScaleRule | None = None
    """How a power-of-two scale is found; None for other scales."""
    scale_dtype: ScaleDtype = ScaleDtype.float32
    """How a float scale is stored; the values of the scale are those of this dtype."""
    observer: ObserverSpec | None = None
    """None for plain casts and wherever the scale is computed from the values themselves."""
    observer_options: Options | None = None
    is_dynamic: bool = False
    """Whether the scale of an activation is computed at run time; always so for block formats."""

    def describe(self) -> str:
        """Return a short text for tables: ``int4 per_group 32 axis 1 half_even min_max``."""
        parts = [self.dtype.name, *self._scheme(), *self._scale()]
        if not isinstance(self.dtype.format, CodecFormat):
            parts.append(_said(self.rounding.name, self.rounding_options))
        if self.observer is not None:
            parts.append(_said(self.observer.name, self.observer_options))
        if self.is_dynamic and not self.dtype.is_block:
            parts.append("dynamic")
        return " ".join(parts)

    def _scheme(self) -> Iterator[str]:
        if self.qscheme is not None:
            yield self.qscheme.value
        if self.group_size is not None:
            yield str(self.group_size)
        if self.block_size is not None:
            yield "x".join(map(str, self.block_size))
        if self.axis is not None:
            yield f"axis {self.axis}"

    def _scale(self) -> Iterator[str]:
        if not self.symmetric:
            yield "asymmetric"
        if self.qscheme is not None and self.scale_type is not ScaleType.float:
            yield self.scale_type.value
        if self.scale_rule not in (None, ScaleRule.floor if self.dtype.is_block else ScaleRule.round):
            yield f"scale {self.scale_rule}"
        if self.scale_dtype is not ScaleDtype.float32:
            yield f"scale {self.scale_dtype}"


def _said(name: str, options: Options | None) -> str:
    """Return a name with those of its options that are not their defaults: ``percentile(percentile=99.0)``."""
    fields = type(options).model_fields.items() if options else ()
    given = {field: (getattr(options, field), info) for field, info in fields if field != "name"}
    other = [
        f"{field}={value}"
        for field, (value, info) in given.items()
        if info.is_required() or value != info.get_default(call_default_factory=True)
    ]
    return f"{name}({', '.join(other)})" if other else name
