"""A made-up third-party plugin that uses everything a plugin can say about a config."""

from __future__ import annotations

from enum import Enum
from types import ModuleType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from quark_core.config.scaling import ScaleDtype
from quark_core.config.type import QSchemeType, ScaleType
from quark_core.plugin import (
    BlockFormat,
    Capability,
    CodebookFormat,
    DeviceSpec,
    DtypeSpec,
    FloatFormat,
    IntFormat,
    ModeLimit,
    ObserverSpec,
    Options,
    Ref,
    RoundingSpec,
    hookimpl,
)
from quark_core.plugin.discovery import chosen_entry_points, load
from quark_core.registry import Registry


class Metric(Enum):
    """What is made small."""

    mse = "mse"
    kl = "kl"


class Window(BaseModel):
    """A model below an option model."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    length: int = Field(default=8, ge=1)
    """Batches in the window."""


class HistogramOptions(Options):
    """Search of a histogram."""

    name: Literal["acme.histogram"] = "acme.histogram"
    bins: int = Field(ge=16, le=65536)
    """Number of bins; must be given."""
    metric: Metric = Metric.mse
    """Error that is made small."""
    range: tuple[float, float] = (0.0, 1.0)
    """Quantiles to search between."""
    window: Window = Window()
    """Batches that count."""
    notes: dict[str, str | int] = {}
    """Anything."""


class EmaOptions(Options):
    """Exponential moving average."""

    name: Literal["acme.ema"] = "acme.ema"
    momentum: float | None = Field(None, ge=0, lt=1)
    """Weight kept from earlier batches."""


class StochasticOptions(Options):
    """Stochastic rounding."""

    name: Literal["acme.stochastic"] = "acme.stochastic"
    seed: int = 0
    """Seed of the generator."""


class NpuOptions(Options):
    """A made-up accelerator."""

    name: Literal["acme.npu"] = "acme.npu"
    cores: Literal[1, 2, 4] = 1
    """Cores in use."""
    fast: bool = False
    """Faster."""


E4M3 = FloatFormat(4, 3, specials="fn")
DTYPES = (
    DtypeSpec("acme.int3", IntFormat(3), "3 bits, in groups only.", qschemes=(QSchemeType.per_group,)),
    DtypeSpec(
        "acme.int6", IntFormat(6), qschemes=(QSchemeType.per_channel, QSchemeType.per_group), symmetric_only=True
    ),
    DtypeSpec("acme.uint2", IntFormat(2, signed=False), "2 bits.", scale_types=(ScaleType.pof2,)),
    DtypeSpec("acme.nf4", CodebookFormat((-1.0, -0.5, 0.0, 0.5, 1.0)), "A codebook."),
    DtypeSpec("acme.mx16", BlockFormat(E4M3, block_size=16), "Blocks of 16."),
    DtypeSpec("acme.half", FloatFormat(5, 10, overflow="infinity"), "A cast.", scaled=False),
)
CAPABILITIES = (
    Capability(
        roles=("weight",),
        dtypes=("acme.int3", "acme.int6", "int4"),
        qschemes=(QSchemeType.per_group,),
        group_sizes=(16, 64),
        scale_dtypes=(ScaleDtype.float16,),
    ),
    Capability(
        roles=("weight",),
        dtypes=("int8", "acme.mx16", "acme.half", "acme.uint2"),
        round_methods=("floor", "acme.stochastic"),
        group_sizes=(32,),
        block_sizes=((16, 16), (128, 128)),
        scale_dtypes=(ScaleDtype.float32, ScaleDtype.bfloat16),
    ),
    Capability(roles=("input",), dtypes=("int8", "uint8"), is_dynamic=(True,), scale_types=tuple(ScaleType)),
    Capability(
        roles=("input",), dtypes=("acme.uint2", "absent.int1"), symmetric=(False,), scale_types=(ScaleType.pof2,)
    ),
    Capability(roles=("bias",), dtypes=("bfloat16",)),
    Capability(roles=("output",), dtypes=("int8", "uint8"), operators=("linear",), when={"cores": (2, 4)}),
    Capability(
        roles=("output",),
        dtypes=("int8",),
        operators=("add",),
        symmetric=(True,),
        when={"cores": (2,), "fast": (True,)},
    ),
)
MODES = (
    ModeLimit(("fx_graph_mode",), when={"cores": (4,)}),
    ModeLimit(("fx_graph_mode", "eager_mode"), when={"fast": (True,)}),
)


def acme() -> ModuleType:
    module = ModuleType("quark_acme")

    @hookimpl
    def quark_dtypes() -> tuple[DtypeSpec, ...]:
        return DTYPES

    @hookimpl
    def quark_observers() -> tuple[ObserverSpec, ...]:
        return (
            ObserverSpec(HistogramOptions, Ref("quark_acme:H"), formats=(IntFormat, CodebookFormat)),
            ObserverSpec(EmaOptions, Ref("quark_acme:E")),
        )

    @hookimpl
    def quark_roundings() -> tuple[RoundingSpec, ...]:
        return (RoundingSpec(StochasticOptions, Ref("quark_acme:S")),)

    @hookimpl
    def quark_devices() -> tuple[DeviceSpec, ...]:
        return (DeviceSpec(NpuOptions, Ref("quark_acme:N"), capabilities=CAPABILITIES, modes=MODES),)

    contents: dict[str, Any] = {"QUARK_API": 1, **{f.__name__: f for f in (quark_dtypes, quark_observers)}}
    contents |= {f.__name__: f for f in (quark_roundings, quark_devices)}
    module.__dict__.update(contents)
    return module


def bundled_registry() -> Registry:
    """Return the bundled plugins only, whatever else is installed."""
    registry = Registry()
    for found in chosen_entry_points():
        if found.bundled:
            registry.add(load(found), found.name, found.dist, bundled=True)
    return registry


def acme_registry() -> Registry:
    registry = bundled_registry()
    registry.add(acme(), "acme", "quark-acme 0.1")
    return registry
