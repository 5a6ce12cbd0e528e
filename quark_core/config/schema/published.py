"""The schema that is published: the same wherever it is made."""

from __future__ import annotations

from quark_core.config.schema.compose import schema_text
from quark_core.plugin.discovery import all_entry_points, load
from quark_core.registry import Registry


def published_text() -> str:
    """Return the schema of the bundled plugins, open to prefixed names; raises PluginError when one is broken."""
    registry = Registry()
    for found in all_entry_points():
        if found.bundled:
            registry.add(load(found), found.name, found.dist, bundled=True)
    return schema_text(registry, open_names=True)
