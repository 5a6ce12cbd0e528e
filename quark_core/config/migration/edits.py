"""What a step does to a config, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Protocol

from quark_core.config.migration.actions import (
    Action,
    AddKeys,
    Conflict,
    Data,
    RemoveKeys,
    RenameKey,
    Round,
    SetValue,
    apply,
    same,
    value_at,
)
from quark_core.config.migration.paths import Wild, pattern
from quark_core.config.reading.document import Path
from quark_core.errors import Problem


class Edit(Protocol):
    """A change of the format. ``str(edit)`` says it in words, for the person who has to make it by hand."""

    def rounds(self, data: Data) -> list[Round]:
        """Return what to change in ``data``, one round after the other. Raises Conflict."""


@dataclass(frozen=True)
class Rename:
    """A key gets another name and stays where it is: ``Rename("layers[*].weight.dtype", "format")``."""

    path: str
    key: str

    def __post_init__(self) -> None:
        if pattern(self.path).key is None:
            raise ValueError(f"{self.path!r} should end in the name of a key")
        if pattern(self.path).key == self.key or not self.key:
            raise ValueError(f"{self.key!r} is not a new name for {self.path!r}")

    def rounds(self, data: Data) -> list[Round]:
        """Return one round with a rename for each match. Raises Conflict where the new name is taken."""
        found = pattern(self.path).find(data)
        for path in found:
            if self.key in value_at(data, path[:-1]):
                raise _taken(path, (*path[:-1], self.key))
        return [[RenameKey(path, self.key) for path in found]]

    def __str__(self) -> str:
        return f"rename {self.path} to {self.key}"


@dataclass(frozen=True)
class Replace:
    """Values become others, by a mapping or a function; what the mapping does not name stays."""

    path: str
    values: Mapping[Any, Any] | Callable[[Any], Any]

    def __post_init__(self) -> None:
        pattern(self.path)

    def rounds(self, data: Data) -> list[Round]:
        """Return one round with a new value for each match that changes. Raises TypeError for a new value of None."""
        actions: Round = []
        for path in pattern(self.path).find(data):
            old = value_at(data, path)
            new = self.values(deepcopy(old)) if callable(self.values) else _looked_up(self.values, old)
            if not same(new, old):
                actions.append(SetValue(path, _sayable(new, self.path)))
        return [actions]

    def __str__(self) -> str:
        if callable(self.values):
            return f"replace {self.path} by what {getattr(self.values, '__name__', 'the step')} makes of it"
        return f"replace {self.path}: {', '.join(f'{old!r} by {new!r}' for old, new in self.values.items())}"


@dataclass(frozen=True)
class Remove:
    """Keys go, with their values; ``*`` at the end removes all keys of an object."""

    path: str

    def __post_init__(self) -> None:
        if pattern(self.path).parts[-1] is Wild.ITEM:
            raise ValueError(f"{self.path!r} should end in a key, not in an item of a list")

    def rounds(self, data: Data) -> list[Round]:
        """Return one round that removes every match."""
        return [_removals(pattern(self.path).find(data))]

    def __str__(self) -> str:
        return f"remove {self.path}"


@dataclass(frozen=True)
class Move:
    """A key goes elsewhere; objects on the way are made. The new path has the old one's wildcards, in their order."""

    path: str
    to: str

    def __post_init__(self) -> None:
        old, new = pattern(self.path), pattern(self.to)
        if Wild.ITEM in (old.parts[-1], new.parts[-1]):
            raise ValueError(f"{self.path!r} and {self.to!r} should end in a key, not in an item of a list")
        if old.wild != new.wild:
            raise ValueError(f"{self.to!r} should have the same wildcards as {self.path!r}, in the same order")
        if old == new:
            raise ValueError(f"{self.to!r} is not a new place")

    def rounds(self, data: Data) -> list[Round]:
        """Return a round that removes and one that adds. Raises Conflict where the new place is taken."""
        old, new = pattern(self.path), pattern(self.to)
        found = old.find(data)
        if not found:
            return []
        removals = _removals(found)
        after = deepcopy(data)
        apply(after, removals)
        added = _Added(after)
        for path in found:
            added.put(path, new.filled(old.bound(path)), value_at(data, path))
        return [removals, added.actions()]

    def __str__(self) -> str:
        return f"move {self.path} to {self.to}"


@dataclass(frozen=True)
class Default:
    """Writes what used to hold where a key was left out; only into objects that are there."""

    path: str
    value: Any

    def __post_init__(self) -> None:
        if pattern(self.path).key is None:
            raise ValueError(f"{self.path!r} should end in the name of a key")
        _sayable(self.value, self.path)

    def rounds(self, data: Data) -> list[Round]:
        """Return one round that adds the key to every object that lacks it."""
        key = str(pattern(self.path).key)
        parents = [path for path in pattern(self.path).parent.find(data) if isinstance(value_at(data, path), dict)]
        return [[AddKeys(path, {key: self.value}) for path in parents if key not in value_at(data, path)]]

    def __str__(self) -> str:
        return f"write {self.path}: {self.value!r} where it was left out"


class _Added:
    """Collects what is moved into ``data``, by the object that is already there."""

    def __init__(self, data: Data) -> None:
        self._data = data
        self._new: dict[Path, dict[str, Any]] = {}

    def put(self, old: Path, path: Path, value: Any) -> None:
        depth, here = _reach(self._data, path)
        if depth == len(path):
            raise _taken(old, path)
        if not isinstance(here, dict) or not all(isinstance(part, str) for part in path[depth:]):
            raise Conflict(old, f"cannot be moved to {_dotted(path)}: there is no object around it", "move it by hand")
        into: dict[Any, Any] = self._new.setdefault(path[:depth], {})
        for part in path[depth:-1]:
            into = into.setdefault(part, {})
        into[path[-1]] = deepcopy(value)

    def actions(self) -> Round:
        return [AddKeys(parent, values) for parent, values in self._new.items()]


def _removals(paths: list[Path]) -> list[Action]:
    keys: dict[Path, list[str]] = {}
    for path in paths:
        keys.setdefault(path[:-1], []).append(str(path[-1]))
    return [RemoveKeys(parent, tuple(names)) for parent, names in keys.items()]


def _reach(data: Any, path: Path) -> tuple[int, Any]:
    # How much of a path is there, and what stands at the end of that.
    for depth, part in enumerate(path):
        there: Any = data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
        if part not in there:
            return depth, data
        data = data[part]
    return len(path), data


def _taken(old: Path, new: Path) -> Conflict:
    message = f"cannot become {_dotted(new)}, which is there already"
    return Conflict(old, message, "remove one of the two, then migrate again")


def _looked_up(values: Mapping[Any, Any], old: Any) -> Any:
    # True == 1 in Python; in a config they are different things, while 16 and 16.0 are one.
    alike = (new for key, new in values.items() if key == old and isinstance(key, bool) is isinstance(old, bool))
    return next(alike, old)


def _sayable(value: Any, path: str) -> Any:
    if value is None:
        raise TypeError(f"{path}: None cannot be written in TOML; remove the key instead")
    return value


def _dotted(path: Path) -> str:
    return Problem("", path=path).dotted
