"""Whose code raised an exception that nobody raised on purpose."""

from __future__ import annotations

import traceback
from dataclasses import dataclass

from quark_core.plugin.discovery import Found, chosen_entry_points


@dataclass(frozen=True)
class Culprit:
    """A plugin that is not bundled, and where in its code an exception came up."""

    plugin: str
    dist: str
    place: str
    """File and line."""


def find_culprit(error: BaseException) -> Culprit | None:
    """Return the plugin in whose package the innermost call of ``error`` stands that is in any; None without one."""
    plugins = [found for found in chosen_entry_points() if not found.bundled]
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        found = _owner(str(frame.f_globals.get("__name__", "")), plugins)
        if found is not None:
            return Culprit(found.name, found.dist, f"{frame.f_code.co_filename}:{line}")
    return None


def _owner(module: str, plugins: list[Found]) -> Found | None:
    """Return the plugin that a module belongs to; None where several may share the package around their manifests."""
    for of in (_manifest, _package):
        owners = [found for found in plugins if f"{module}.".startswith(f"{of(found)}.")]
        if owners:
            return owners[0] if len(owners) == 1 else None
    return None


def _manifest(found: Found) -> str:
    return found.entry_point.value.partition(":")[0].strip()


def _package(found: Found) -> str:
    return _manifest(found).rpartition(".")[0] or _manifest(found)
