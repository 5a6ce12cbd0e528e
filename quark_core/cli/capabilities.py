"""What a device takes, as text."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from quark_core.plugin.capability import Capability
from quark_core.plugin.specs import DeviceSpec
from quark_core.table import table


def capability_lines(spec: DeviceSpec) -> Iterator[str]:
    """Yield what ``spec`` takes: a table with one row for each capability, and the modes that it works with."""
    if spec.capabilities is None:
        yield "takes every tensor config"
    else:
        names = [field.name for field in dataclasses.fields(Capability)]
        # A column in which every row says "any" tells nothing.
        shown = [name for name in names if any(getattr(row, name) for row in spec.capabilities)]
        yield table(shown, [[_text(getattr(row, name)) for name in shown] for row in spec.capabilities])
    for limit in spec.modes:
        yield f"works with mode {' or '.join(limit.modes)} only" + (f" ({_text(limit.when)})" if limit.when else "")


def plain_capabilities(spec: DeviceSpec) -> dict[str, Any]:
    """Return the same as JSON values."""
    rows = None if spec.capabilities is None else [_plain(row) for row in spec.capabilities]
    return {"capabilities": rows, "modes": [_plain(limit) for limit in spec.modes]}


def _plain(row: Any) -> dict[str, Any]:
    fields = ((field.name, getattr(row, field.name)) for field in dataclasses.fields(row))
    return {name: dict(value) if isinstance(value, Mapping) else value and list(value) for name, value in fields}


def _text(value: Any) -> str:
    if not value:
        return "any"
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {_text(values)}" for name, values in value.items())
    return ", ".join(str(item).lower() if isinstance(item, bool) else str(item) for item in value)
