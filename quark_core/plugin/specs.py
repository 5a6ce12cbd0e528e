"""What hooks return: frozen descriptions of extensions, free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from quark_core.config.type import QSchemeType, ScaleType
from quark_core.plugin.capability import Capability, ModeLimit, check_capabilities, holds
from quark_core.plugin.formats import BlockFormat, FloatFormat, Format, IntFormat
from quark_core.plugin.options import Options, option_name
from quark_core.plugin.ref import Ref

if TYPE_CHECKING:
    from quark_core.plugin.devices import Device
    from quark_core.plugin.protocols import Mode, Observer, Rounding


@dataclass(frozen=True)
class DtypeSpec:
    """A number format under a name, with what a config may combine it with."""

    kind: ClassVar[str] = "dtype"
    name: str
    format: Format
    summary: str = ""
    """One line; editors show it beside the name."""
    scaled: bool = True
    """False for a plain cast, which takes no scheme, scale or observer."""
    qschemes: tuple[QSchemeType, ...] = tuple(QSchemeType)
    """Schemes that a config may choose; a BlockFormat always has ``per_group``."""
    scale_types: tuple[ScaleType, ...] = tuple(ScaleType)
    """Scale types that a config may choose; a BlockFormat always has ``pof2``, or ``float`` with a scale format."""
    symmetric_only: bool | None = None
    """True when the zero point is always 0; by default so for every format but integers."""

    def __post_init__(self) -> None:
        if not self.scaled and not isinstance(self.format, FloatFormat):
            raise ValueError(f"DtypeSpec({self.name!r}): scaled=False is a plain cast and needs a FloatFormat")
        if self.symmetric_only is False and not isinstance(self.format, IntFormat):
            raise ValueError(f"DtypeSpec({self.name!r}): only an IntFormat has a zero point; leave symmetric_only out")
        if not self.qschemes or not self.scale_types:
            raise ValueError(f"DtypeSpec({self.name!r}): qschemes and scale_types must not be empty")

    @property
    def is_block(self) -> bool:
        """Whether blocks of a fixed size compute their own scale (MX, NVFP4)."""
        return isinstance(self.format, BlockFormat)

    @property
    def has_e8m0_scale(self) -> bool:
        """Whether blocks share a power of two (OCP MX)."""
        return isinstance(self.format, BlockFormat) and self.format.scale is None

    @property
    def group_size(self) -> int | None:
        """The group size that the format fixes, or None."""
        return self.format.block_size if isinstance(self.format, BlockFormat) else None

    @property
    def allowed_qschemes(self) -> tuple[QSchemeType, ...]:
        """Schemes that a config may choose."""
        return (QSchemeType.per_group,) if self.is_block else self.qschemes

    @property
    def allowed_scale_types(self) -> tuple[ScaleType, ...]:
        """Scale types that a config may choose."""
        if isinstance(self.format, BlockFormat):
            return (ScaleType.pof2,) if self.format.scale is None else (ScaleType.float,)
        return self.scale_types

    @property
    def only_symmetric(self) -> bool:
        """Whether the zero point is always 0."""
        if self.symmetric_only is None:
            return not isinstance(self.format, IntFormat)
        return self.symmetric_only


@dataclass(frozen=True)
class _OptionsSpec:
    options: type[Options]

    @cached_property
    def name(self) -> str:
        """Name in config files."""
        return option_name(self.options)

    @property
    def summary(self) -> str:
        """First paragraph of the option class's docstring."""
        return " ".join((self.options.__doc__ or "").split("\n\n")[0].split())


@dataclass(frozen=True)
class ObserverSpec(_OptionsSpec):
    """How the range of a tensor's values is measured."""

    kind: ClassVar[str] = "observer"
    impl: Ref[type[Observer]]
    order_matters: bool = False
    """Whether recent batches weigh more, so that merged observers find another range than one that saw all batches."""
    formats: tuple[type[Format], ...] | None = None
    """Classes of the formats that it is for, such as ``(IntFormat, CodebookFormat)``; None for all."""


@dataclass(frozen=True)
class RoundingSpec(_OptionsSpec):
    """How a scaled value becomes an integer."""

    kind: ClassVar[str] = "rounding"
    impl: Ref[type[Rounding]]
    is_half_even: bool = False
    """Promise that it is IEEE 754 ties-to-even under any options, so that kernels may compute it another way."""
    is_stateful: bool = False
    """Whether a call depends on earlier ones (a random generator). Each tensor then gets a fresh one, so that the same
    tensor and options always give the same result."""


@dataclass(frozen=True)
class DeviceSpec(_OptionsSpec):
    """A device: what it takes, as data, and what it does to a calibrated model."""

    kind: ClassVar[str] = "device"
    impl: Ref[type[Device]]
    capabilities: tuple[Capability, ...] | None = None
    """What the device takes; None when it takes everything."""
    modes: tuple[ModeLimit, ...] = ()
    """Modes that it can work with; empty when it works with every mode."""

    def __post_init__(self) -> None:
        check_capabilities(self.capabilities or ())

    def rows(self, options: Mapping[str, object]) -> tuple[Capability, ...] | None:
        """Return the capabilities under ``options``, by name, defaults filled in; None when it takes everything."""
        if self.capabilities is None:
            return None
        return tuple(row for row in self.capabilities if holds(row.when, options))


@dataclass(frozen=True)
class ModeSpec(_OptionsSpec):
    """A way to take a model apart and put it together quantized."""

    kind: ClassVar[str] = "mode"
    impl: Ref[type[Mode]]


Spec = DtypeSpec | ObserverSpec | RoundingSpec | DeviceSpec | ModeSpec
