"""What stands between brackets with commas: JSON's objects, YAML's flow mappings and TOML's inline tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from quark_core.config.migration.text.lines import Lines
from quark_core.config.migration.text.patches import Patch
from quark_core.config.reading.source import Span


@dataclass(frozen=True)
class Item:
    """A key with its value, and what stands between the two."""

    start: int
    end: int
    colon: str


@dataclass(frozen=True)
class Flow:
    """The inside of a pair of brackets: where it starts and ends, and what is in it."""

    lines: Lines
    inside: Span
    items: Sequence[Item]
    colon: str
    """What stands between keys and values where there is none to imitate."""

    def removals(self, gone: set[int]) -> Iterator[Patch]:
        """Yield what removes the items with these indexes, and their commas."""
        for is_gone, group in groupby(range(len(self.items)), key=lambda index: index in gone):
            run = list(group)
            if is_gone:
                yield self._cut(*self._region(run[0], run[-1]))

    def _region(self, first: int, last: int) -> Span:
        if last + 1 < len(self.items):
            return self.items[first].start, self.items[last + 1].start
        if first:
            return self.items[first - 1].end, self.items[last].end
        return self.inside

    def _cut(self, start: int, end: int) -> Patch:
        indent = self.lines.newline + self.lines.indent(start)
        return Patch(start, end, "".join(f" {comment}{indent}" for comment in self.lines.inside(start, end)))

    def replaced(self, start: int, end: int, text: str) -> Patch:
        """Return what puts ``text`` in place of a value; comments in the value follow."""
        cut = self._cut(start, end)
        return Patch(start, end, text + cut.text)

    def insertion(self, entries: Sequence[tuple[str, str]], *, first: bool) -> Patch:
        """Return what adds keys with values, at the end or before all others, spaced like what is there."""
        colon = self.items[-1].colon if self.items else self.colon
        texts = [key + colon + value for key, value in entries]
        if not self.items:
            return Patch(self.inside[0], self.inside[0], ", ".join(texts))
        gap = self._gap()
        if first:
            here = self.items[0].start
            return Patch(here, here, "".join(f"{text},{gap}" for text in texts))
        here = self.items[-1].end
        return Patch(here, here, "".join(f",{gap}{text}" for text in texts))

    def _gap(self) -> str:
        text = self.lines.text
        before = self.inside[0]
        if len(self.items) > 1:
            before = text.rfind(",", self.items[-2].end, self.items[-1].start) + 1
        gap = text[before : self.items[-1].start]
        if gap.strip():
            return self.lines.newline + self.lines.indent(self.items[-1].start) if self._own_line() else " "
        return gap if len(self.items) > 1 or "\n" in gap else " "

    def _own_line(self) -> bool:
        return self.lines.blank_before(self.items[-1].start)
