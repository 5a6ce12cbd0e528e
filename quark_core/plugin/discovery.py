"""Finds plugins among installed distributions; blocks them before import."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from email.message import Message
from importlib.metadata import EntryPoint, distributions, entry_points
from types import ModuleType
from typing import cast

from quark_core.errors import PluginLoadError

GROUP = "quark.plugins"
ONLY = "QUARK_PLUGINS"
WITHOUT = "QUARK_DISABLE_PLUGINS"
BUNDLED_BY = "quark-core"


@dataclass(frozen=True)
class Found:
    """One entry point."""

    name: str
    dist: str
    bundled: bool
    entry_point: EntryPoint
    kept_out_by: str = ""
    """The environment variable that keeps it out, or nothing."""


def chosen_entry_points() -> Iterator[Found]:
    """Yield the entry points that the environment lets in, in the order of ``all_entry_points``."""
    return (found for found in all_entry_points() if not found.kept_out_by)


def all_entry_points() -> Iterator[Found]:
    """Yield every entry point, the bundled ones first, each once, and whether the environment keeps it out.

    ``QUARK_PLUGINS=a,b`` lets in only these, ``QUARK_DISABLE_PLUGINS=a,b`` all but these.
    """
    seen: set[tuple[str, str, str]] = set()
    for found in sorted(map(_found, _entry_points()), key=lambda f: (not f.bundled, f.name, f.dist)):
        # Editable installs and left-over egg-info folders repeat an entry point of one distribution.
        key = (found.name, found.entry_point.value, _normal(found.dist.rpartition(" ")[0]))
        if key not in seen:
            seen.add(key)
            yield replace(found, kept_out_by=_kept_out(found.name))


def asked_for() -> frozenset[str]:
    """Return the names in ``QUARK_PLUGINS``."""
    return _names(os.environ.get(ONLY, ""))


def _kept_out(name: str) -> str:
    if name in _names(os.environ.get(WITHOUT, "")):
        return WITHOUT
    return ONLY if ONLY in os.environ and name not in asked_for() else ""


def load(found: Found) -> ModuleType:
    """Import a plugin's manifest; raises PluginLoadError for whatever the import raises.

    What it prints goes to the standard error, since the standard output may be what another program reads.
    """
    try:
        with redirect_stdout(sys.stderr):
            return cast("ModuleType", found.entry_point.load())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit and the panics of Rust extensions are no Exception
        raise PluginLoadError(
            found.name,
            found.dist,
            f"failed to import {found.entry_point.value!r}: {type(error).__name__}: {error}",
        ) from error


def _entry_points() -> Iterable[EntryPoint]:
    try:
        return entry_points(group=GROUP)
    except Exception:  # noqa: BLE001 - one unreadable entry_points.txt, of whatever distribution, and this raises
        return _one_by_one()


def _one_by_one() -> Iterator[EntryPoint]:
    for dist in distributions():
        try:
            yield from dist.entry_points.select(group=GROUP)
        except Exception:  # noqa: BLE001, S112 - what it holds cannot be known, so there is nobody to name
            continue


def _found(entry_point: EntryPoint) -> Found:
    try:
        metadata = entry_point.dist.metadata if entry_point.dist else Message()
        name, version = metadata["Name"] or "unknown", metadata["Version"] or "0"
    except Exception:  # noqa: BLE001 - damaged metadata are no reason to lose every other plugin
        name, version = "unknown", "0"
    return Found(entry_point.name, f"{name} {version}", _normal(name) == BUNDLED_BY, entry_point)


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _names(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(",") if part.strip())
