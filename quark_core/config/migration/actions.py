"""What an edit comes down to in one config: a few primitive changes, here to plain data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from quark_core.config.reading.document import Path

Data = dict[str, Any]


class Conflict(Exception):  # noqa: N818 - becomes a problem with a place; it never leaves the package
    """An edit cannot be made, because of what stands at ``path``."""

    def __init__(self, path: Path, message: str, fix: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message
        self.fix = fix


@dataclass(frozen=True)
class SetValue:
    """Another value at a path that is there."""

    path: Path
    value: Any


@dataclass(frozen=True)
class RenameKey:
    """Another last key of a path that is there."""

    path: Path
    key: str


@dataclass(frozen=True)
class RemoveKeys:
    """Keys of one object that go."""

    parent: Path
    keys: tuple[str, ...]


@dataclass(frozen=True)
class AddKeys:
    """Keys that one object gets, at its end or, with ``first``, before all others."""

    parent: Path
    values: Mapping[str, Any]
    first: bool = False


Action = SetValue | RenameKey | RemoveKeys | AddKeys
Round = list[Action]
"""Actions that are made at once: all their paths are those of one state."""


def value_at(data: Any, path: Path) -> Any:
    """Return what stands at a path that is there."""
    for part in path:
        data = data[part]
    return data


def apply(data: Data, actions: Iterable[Action]) -> None:
    """Change ``data`` in place."""
    for action in actions:
        if isinstance(action, SetValue):
            value_at(data, action.path[:-1])[action.path[-1]] = deepcopy(action.value)
        elif isinstance(action, RenameKey):
            _rename(value_at(data, action.path[:-1]), action.path[-1], action.key)
        elif isinstance(action, RemoveKeys):
            parent = value_at(data, action.parent)
            for key in action.keys:
                del parent[key]
        else:
            value_at(data, action.parent).update(deepcopy(dict(action.values)))


def _rename(parent: dict[Any, Any], old: Any, new: str) -> None:
    items = list(parent.items())
    parent.clear()
    parent.update((new if key == old else key, value) for key, value in items)


def same(one: Any, other: Any) -> bool:
    """Return whether two plain values say the same: ``1`` is neither ``true`` nor ``1.0``, and NaN is NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return bool(one == other) or (math.isnan(one) and math.isnan(other))
    return bool(one == other)
