"""Extensions for Quark Core. This manifest is data: it never imports torch, it points at torch code by a Ref."""

from typing import Literal

from pydantic import Field

from quark_core.plugin import (
    Capability,
    DeviceSpec,
    DtypeSpec,
    IntFormat,
    ModeSpec,
    ObserverSpec,
    Options,
    QSchemeType,
    Ref,
    RoundingSpec,
    hookimpl,
)

QUARK_API = 1

INT3 = DtypeSpec("acme.int3", IntFormat(bits=3), "3-bit signed integer, -4 to 3.")


@hookimpl
def quark_dtypes() -> list[DtypeSpec]:
    """Return the dtype."""
    return [INT3]


class EmaOptions(Options):
    """Average of the batches' ranges, from which one outlier is soon forgotten."""

    name: Literal["acme.ema"] = "acme.ema"
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Weight kept from earlier batches at each new one."""


EMA = ObserverSpec(EmaOptions, Ref("quark_acme.ema:Ema"), order_matters=True)


@hookimpl
def quark_observers() -> list[ObserverSpec]:
    """Return the observer."""
    return [EMA]


class TruncateOptions(Options):
    """Toward zero: what stands behind the point is cut off."""

    name: Literal["acme.truncate"] = "acme.truncate"


TRUNCATE = RoundingSpec(TruncateOptions, Ref("quark_acme.truncate:Truncate"))


@hookimpl
def quark_roundings() -> list[RoundingSpec]:
    """Return the rounding."""
    return [TRUNCATE]


class ChipOptions(Options):
    """A made-up chip with 8-bit multipliers that scales by shifting, so that every scale is a power of two."""

    name: Literal["acme.chip"] = "acme.chip"
    least_exponent: int = Field(default=-24, ge=-60, le=0)
    """Exponent of the smallest scale that it has."""


CHIP = DeviceSpec(
    ChipOptions,
    Ref("quark_acme.chip:Chip"),
    capabilities=(
        Capability(
            roles=("weight", "input", "output"),
            dtypes=("int8",),
            qschemes=(QSchemeType.per_tensor, QSchemeType.per_channel),
            symmetric=(True,),
            is_dynamic=(False,),
        ),
    ),
)


@hookimpl
def quark_devices() -> list[DeviceSpec]:
    """Return the device."""
    return [CHIP]


class LargeModeOptions(Options):
    """Quantizes large modules where they stand, and leaves small ones in floating point."""

    name: Literal["acme.large_mode"] = "acme.large_mode"
    least_values: int = Field(default=1, ge=1)
    """Size of the weight from which on a module is quantized."""


LARGE_MODE = ModeSpec(LargeModeOptions, Ref("quark_acme.large_mode:LargeMode"))


@hookimpl
def quark_modes() -> list[ModeSpec]:
    """Return the mode."""
    return [LARGE_MODE]
