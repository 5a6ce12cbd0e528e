"""Replacements in a text, by the offsets of its characters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from quark_core.config.migration.actions import Action
from quark_core.config.reading.document import Path
from quark_core.config.reading.source import Span


class Refused(Exception):  # noqa: N818 - becomes a problem with a place; it never leaves the package
    """An action cannot be made on the text without touching the rest."""


@dataclass(frozen=True)
class Patch:
    """What stands from ``start`` to ``end`` becomes ``text``."""

    start: int
    end: int
    text: str


def patched(text: str, patches: Iterable[Patch]) -> str:
    """Return a text with all patches made; equal ones count once. Raises Refused where two overlap."""
    parts, done = [], 0
    # What is put in before something is removed stays before it; the order of the same place is kept.
    for patch in sorted(dict.fromkeys(patches), key=lambda p: (p.start, p.end)):
        if patch.start < done:
            raise Refused("two changes meet at one place")
        parts += [text[done : patch.start], patch.text]
        done = patch.end
    return "".join([*parts, text[done:]])


class Editor(Protocol):
    """What can be done to one text in one format."""

    def comments(self) -> Sequence[Span]:
        """Return where the comments stand, in the order of the text."""

    def patches(self, action: Action) -> Sequence[Patch]:
        """Return what an action changes. Raises Refused."""

    def can_set(self, path: Path) -> bool:
        """Return whether a value stands in one piece, so that another one can take its place."""

    def apart(self, actions: Sequence[Action]) -> Sequence[Patch]:
        """Return what writes out what ``actions`` would change along with others; nothing when they do not."""
