"""A config file as plain data, with the place of every key and value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from quark_core.config.reading.source import Source, Span
from quark_core.errors import Place, Problem

Path = tuple[str | int, ...]


class _Nothing:
    """Stands for the value of a file that could not be read."""


NOTHING: Final = _Nothing()


@dataclass
class Document:
    """What was read: ``value`` is NOTHING when the file could not be read at all, and ``problems`` says why."""

    source: Source
    value: Any = NOTHING
    keys: dict[Path, Span] = field(default_factory=dict)
    """Where the key stands that leads to a path; items of lists have none."""
    values: dict[Path, Span] = field(default_factory=dict)
    """Where the value at a path stands."""
    problems: list[Problem] = field(default_factory=list)

    def key(self, path: Path) -> Place:
        """Return the place of a key; of an item in a list, or of the nearest object around it, where it has none."""
        while path and path not in self.keys and path not in self.values:
            path = path[:-1]
        span = self.keys.get(path) or self.values.get(path)
        return self.source.place(*span) if span and path else self.source.place(span[0] if span else 0)

    def at(self, path: Path) -> Place:
        """Return the place of a value, or of its key where the value has no place of its own."""
        return self.source.place(*self.values[path]) if path and path in self.values else self.key(path)

    def text(self, path: Path) -> str:
        """Return a value as it is written; empty where it has no place."""
        return self.source.text[slice(*self.values.get(path, (0, 0)))]

    def places(self) -> dict[Path, Place]:
        """Return where everything was written: fields by their key, items of lists by themselves."""
        return {path: self.key(path) for path in (*self.values, *self.keys) if path}

    def fault(self, path: Path, message: str, fix: str = "", *, code: str, at_key: bool = False) -> Problem:
        """Return a problem with the value at ``path``, or with its key."""
        return Problem(message, fix, path, self.key(path) if at_key else self.at(path), code)

    def duplicate(self, path: Path, span: Span) -> Problem:
        """Return the problem of a key at ``span`` that was already given at ``keys[path]``."""
        first = self.source.place(*self.keys[path])
        message = f"{path[-1]!r} is given twice, here and at {first.line}:{first.column}"
        return Problem(message, "remove one of the two", path, self.source.place(*span), "duplicate_key")
