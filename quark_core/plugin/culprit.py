"""Whose code raised an exception that nobody raised on purpose."""

from __future__ import annotations

import traceback
from dataclasses import dataclass

from quark_core.plugin.discovery import chosen_entry_points


@dataclass(frozen=True)
class Culprit:
    """A plugin that is not bundled, and where in its code an exception came up."""

    plugin: str
    dist: str
    place: str
    """File and line."""


def find_culprit(error: BaseException) -> Culprit | None:
    """Return the plugin in whose package the innermost call of ``error`` stands that is in any; None without one."""
    packages = {_package(found.entry_point.value): found for found in chosen_entry_points() if not found.bundled}
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        module = str(frame.f_globals.get("__name__", ""))
        for package, found in packages.items():
            if f"{module}.".startswith(f"{package}."):
                return Culprit(found.name, found.dist, f"{frame.f_code.co_filename}:{line}")
    return None


def _package(value: str) -> str:
    """Return the package that the module of an entry point stands in, or the module where it stands by itself."""
    module = value.partition(":")[0].strip()
    return module.rpartition(".")[0] or module
