"""What a device takes, as text and as JSON values."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from quark_core.config.device_rules import limits
from quark_core.config.rules import join_words
from quark_core.plugin.capability import Capability, When
from quark_core.plugin.specs import DeviceSpec

_WIDTH = 110


def capability_lines(spec: DeviceSpec) -> Iterator[str]:
    """Yield what ``spec`` takes, a paragraph for each capability, and the modes that it works with."""
    if spec.capabilities is None:
        yield "takes every tensor config"
    for row in spec.capabilities or ():
        yield from textwrap.wrap(f"- {_row(row)}", _WIDTH, subsequent_indent="  ")
    for limit in spec.modes:
        yield f"- works with mode {join_words(limit.modes, 'or')} only{_when(limit.when)}"


def plain_capabilities(spec: DeviceSpec) -> dict[str, Any]:
    """Return the same as JSON values."""
    rows = None if spec.capabilities is None else [_plain(row) for row in spec.capabilities]
    return {"capabilities": rows, "modes": [_plain(limit) for limit in spec.modes]}


def _row(row: Capability) -> str:
    said = [f"{field} {join_words(values, 'or')}" for field, values in limits(row).items() if values is not None]
    if row.own_axis:
        said.append("scales along the layer's own axis")
    parts = [f"{join_words(row.roles)}: {join_words(row.dtypes, 'or')}{_when(row.when)}", *said]
    if row.operators is not None:
        parts.append(f"of {join_words(row.operators)}")
    return "; ".join(parts)


def _when(when: When) -> str:
    words = (f"{name} {join_words(values, 'or')}" for name, values in when.items())
    return f" ({', '.join(words)})" if when else ""


def _plain(row: Any) -> dict[str, Any]:
    fields = ((field.name, getattr(row, field.name)) for field in dataclasses.fields(row))
    return {name: _value(value) for name, value in fields}


def _value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value
