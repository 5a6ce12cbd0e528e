"""3-bit integers and an observer that averages the ranges of batches."""

from typing import Literal

from pydantic import Field

from quark_core.plugin import DtypeSpec, IntFormat, ObserverSpec, Options, Ref, hookimpl

QUARK_API = 1


class EmaOptions(Options):
    """Average of the batches' ranges, from which one outlier is soon forgotten."""

    name: Literal["acme.ema"] = "acme.ema"
    momentum: float = Field(0.9, ge=0, lt=1)
    """Weight kept from earlier batches at each new one."""


INT3 = DtypeSpec("acme.int3", IntFormat(bits=3), "3-bit signed integer, -4 to 3.")
EMA = ObserverSpec(EmaOptions, Ref("quark_acme.ema:Ema"), order_matters=True)


@hookimpl
def quark_dtypes() -> list[DtypeSpec]:
    """Return the dtype."""
    return [INT3]


@hookimpl
def quark_observers() -> list[ObserverSpec]:
    """Return the observer."""
    return [EMA]
