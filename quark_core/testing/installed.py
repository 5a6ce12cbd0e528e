"""Suites for an installed plugin, made from what it adds."""

from __future__ import annotations

from typing import Any

from quark_core.plugin import DeviceSpec, DtypeSpec, ModeSpec, ObserverSpec, RoundingSpec
from quark_core.plugin.discovery import Found
from quark_core.registry import installed
from quark_core.testing.devices import DeviceTests
from quark_core.testing.dtypes import DtypeTests
from quark_core.testing.modes import ModeTests
from quark_core.testing.observers import ObserverTests
from quark_core.testing.options import variants
from quark_core.testing.plugins import PluginTests
from quark_core.testing.roundings import RoundingTests
from quark_core.testing.suite import Suite

SUITES: dict[type, type[Suite]] = {
    DtypeSpec: DtypeTests,
    ObserverSpec: ObserverTests,
    RoundingSpec: RoundingTests,
    DeviceSpec: DeviceTests,
    ModeSpec: ModeTests,
}
"""Class of spec -> the suite that checks it."""


def suites(found: Found) -> dict[str, type[Suite]]:
    """Return test classes for a plugin that loads, by names that pytest collects: one for each variant of options."""
    (plugin,) = (p for p in installed().plugins if (p.name, p.dist) == (found.name, found.dist))
    module = found.entry_point.value.partition(":")[0]
    made: dict[str, type[Suite]] = {
        "Test_plugin": _suite(PluginTests, "Test_plugin", module=module, bundled=found.bundled)
    }
    for number, (kind, name) in enumerate(plugin.adds):
        spec = installed().get(kind, name)
        for variant, options in enumerate(variants(spec)):
            title = f"Test_{number}_{variant}"
            more = {"options": options} if options else {}
            made[title] = _suite(SUITES[type(spec)], title, spec=spec, **more)
    return made


def _suite(base: type[Suite], title: str, **attributes: Any) -> type[Suite]:
    return type(title, (base,), attributes)
