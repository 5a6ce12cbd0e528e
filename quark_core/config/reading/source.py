"""The text of a config file, and where in it an offset lies."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property

from quark_core.errors import Place, Problem

Span = tuple[int, int]
"""Offsets of the first character and of the one after the last."""

_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Source:
    """A text, the name of its file for messages, and the format that it is in."""

    file: str
    text: str = field(repr=False)
    format: str

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    def place(self, start: int, end: int | None = None) -> Place:
        """Return the place of the characters from ``start`` to ``end``, as far as they stand on the first line."""
        row = bisect_right(self._starts, start) - 1
        first = self._starts[row]
        line = self._line(row)
        length = min((start + 1 if end is None else end) - start, len(line.rstrip()) - (start - first))
        return Place(self.file, row + 1, start - first + 1, max(1, length), line)

    def at(self, line: int, column: int) -> int:
        """Return the offset of a line and column, both counted from 1, or the nearest one that exists."""
        row = min(max(line, 1), len(self._starts)) - 1
        return self._starts[row] + min(max(column, 1) - 1, len(self._line(row)))

    def problem(self, span: Span, message: str, fix: str = "", code: str = "syntax") -> Problem:
        """Return a problem with what stands at ``span``."""
        return Problem(message, fix, place=self.place(*span), code=code)

    def _line(self, row: int) -> str:
        end = self._starts[row + 1] if row + 1 < len(self._starts) else len(self.text)
        return self.text[self._starts[row] : end].rstrip("\r\n")


class Bytes:
    """The offsets of a text's UTF-8 bytes, which tree-sitter counts in, as offsets of its characters."""

    def __init__(self, text: str) -> None:
        self.data = text.encode()
        self._ends: list[int] | None = None if text.isascii() else _ends(text)

    def span(self, start: int, end: int) -> Span:
        """Return the characters from byte ``start`` to byte ``end``."""
        if self._ends is None:
            return start, end
        return bisect_right(self._ends, start), bisect_right(self._ends, end)


def _ends(text: str) -> list[int]:
    ends, total = [], 0
    for character in text:
        total += 1 if character < "\x80" else 2 if character < "\u0800" else 3 if character < "\U00010000" else 4
        ends.append(total)
    return ends
