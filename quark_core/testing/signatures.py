"""Compares a class with a protocol of ``quark_core.plugin``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

from quark_core.plugin import (
    Codec,
    CodecFormat,
    Device,
    DeviceSpec,
    DtypeSpec,
    Mode,
    ModeSpec,
    Observer,
    ObserverSpec,
    Ref,
    Rounding,
    RoundingSpec,
)
from quark_core.plugin.specs import Spec

PROTOCOLS: dict[type, type] = {ObserverSpec: Observer, RoundingSpec: Rounding, DeviceSpec: Device, ModeSpec: Mode}


def promise(spec: Spec) -> tuple[Ref[type], type] | None:
    """Return the Ref of a spec and the protocol that it must fulfil; None for a format that is all data."""
    if not isinstance(spec, DtypeSpec):
        return spec.impl, PROTOCOLS[type(spec)]
    return (spec.format.codec, Codec) if isinstance(spec.format, CodecFormat) else None


def faults(ref: Ref[type], protocol: type) -> Iterator[str]:
    """Yield what keeps the class behind a Ref from fulfilling a protocol."""
    try:
        cls: object = ref.load()
    except (ImportError, AttributeError) as error:
        yield str(error)
        return
    if not inspect.isclass(cls):
        yield f"it is a {type(cls).__name__}, not a class"
        return
    wanted = 0 if protocol is Codec else 1
    if not _takes(cls, wanted):
        yield f"it must be constructed with {wanted} argument{'s' * (wanted != 1)}" + " (its options)" * wanted
    for name, method in vars(protocol).items():
        if (not name.startswith("_") or name == "__call__") and inspect.isfunction(method):
            count = len(inspect.signature(method).parameters)
            if not inspect.isfunction(own := inspect.getattr_static(cls, name, None)):
                yield f"it has no method {name}{inspect.signature(method)}"
            elif not _takes(own, count):
                yield f"its {name} must take what {protocol.__name__}.{name}{inspect.signature(method)} takes"


def _takes(function: Callable[..., object], count: int) -> bool:
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    return True
