"""Patterns for places in a config, such as ``layers[*].weight.dtype``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any

from quark_core.config.reading.document import Path


class Wild(Enum):
    """What stands for many keys or items."""

    KEY = "*"
    ITEM = "[*]"


Part = str | Wild

_PART = re.compile(r"([^.\[\]*]+|\*)((?:\[\*\])*)")


@dataclass(frozen=True)
class Pattern:
    """Names, ``*`` for every key of an object, ``[*]`` for every item of a list."""

    parts: tuple[Part, ...]

    @property
    def key(self) -> str | None:
        """The name that the pattern ends in; None when it ends in a wildcard."""
        last = self.parts[-1] if self.parts else None
        return last if isinstance(last, str) else None

    @property
    def parent(self) -> Pattern:
        """The pattern of what is around."""
        return Pattern(self.parts[:-1])

    @property
    def wild(self) -> tuple[Wild, ...]:
        """The wildcards in their order."""
        return tuple(part for part in self.parts if isinstance(part, Wild))

    def find(self, data: Any) -> list[Path]:
        """Return the paths in ``data`` that match and are there, in its order."""
        return list(_find(data, self.parts, ()))

    def bound(self, path: Path) -> Path:
        """Return what the wildcards stand for in a path that matches."""
        return tuple(found for part, found in zip(self.parts, path, strict=True) if isinstance(part, Wild))

    def filled(self, bound: Path) -> Path:
        """Return the path with ``bound`` in place of the wildcards."""
        found = iter(bound)
        return tuple(next(found) if isinstance(part, Wild) else part for part in self.parts)


@lru_cache(maxsize=1024)
def pattern(text: str) -> Pattern:
    """Return the pattern that a text stands for. Raises ValueError."""
    parts: list[Part] = []
    for piece in text.split("."):
        match = _PART.fullmatch(piece)
        if match is None:
            raise ValueError(f"{text!r} is not a pattern: write names with dots, * for any key, [*] for any item")
        parts.append(Wild.KEY if match[1] == "*" else match[1])
        parts += [Wild.ITEM] * (len(match[2]) // len("[*]"))
    return Pattern(tuple(parts))


def _find(data: Any, parts: tuple[Part, ...], path: Path) -> Iterator[Path]:
    if not parts:
        yield path
        return
    for key, value in _children(data, parts[0]):
        yield from _find(value, parts[1:], (*path, key))


def _children(data: Any, part: Part) -> list[tuple[str | int, Any]]:
    if part is Wild.ITEM:
        return list(enumerate(data)) if isinstance(data, list) else []
    if not isinstance(data, dict):
        return []
    if part is Wild.KEY:
        return list(data.items())
    return [(part, data[part])] if part in data else []
