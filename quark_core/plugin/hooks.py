"""The hooks of a plugin. Each takes nothing now and returns an iterable of specs, the same at every call.

To add a kind of extension: one hook here, one Spec class, one config field.
"""

from collections.abc import Iterable

import pluggy

from quark_core.plugin.specs import DeviceSpec, DtypeSpec, ModeSpec, ObserverSpec, RoundingSpec

QUARK_API = 1
"""Version of this contract; a plugin says in its own ``QUARK_API`` which one it was written for."""

PROJECT = "quark"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def quark_dtypes() -> Iterable[DtypeSpec]:
    """Return the number formats that this plugin adds."""
    raise AssertionError("a hookspec is never called")


@hookspec
def quark_observers() -> Iterable[ObserverSpec]:
    """Return the observers that this plugin adds."""
    raise AssertionError("a hookspec is never called")


@hookspec
def quark_roundings() -> Iterable[RoundingSpec]:
    """Return the rounding schemes that this plugin adds."""
    raise AssertionError("a hookspec is never called")


@hookspec
def quark_devices() -> Iterable[DeviceSpec]:
    """Return the devices that this plugin adds."""
    raise AssertionError("a hookspec is never called")


@hookspec
def quark_modes() -> Iterable[ModeSpec]:
    """Return the quantization modes that this plugin adds."""
    raise AssertionError("a hookspec is never called")


HOOKS: dict[str, type[DtypeSpec | ObserverSpec | RoundingSpec | DeviceSpec | ModeSpec]] = {
    "quark_dtypes": DtypeSpec,
    "quark_observers": ObserverSpec,
    "quark_roundings": RoundingSpec,
    "quark_devices": DeviceSpec,
    "quark_modes": ModeSpec,
}
"""Hook name -> the class of spec that it returns."""
