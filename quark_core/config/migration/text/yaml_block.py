"""Block mappings of YAML: pairs on lines of their own, by indentation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from quark_core.config.migration.text.lines import Lines
from quark_core.config.migration.text.patches import Patch
from quark_core.config.migration.text.yaml_tree import Pair, Tree, pairs
from quark_core.config.reading.source import Span
from quark_core.config.reading.yaml_nodes import Node


class Block:
    """A list or mapping without brackets."""

    def __init__(self, lines: Lines, tree: Tree, node: Node) -> None:
        self._lines = lines
        self._tree = tree
        self._node = node

    def removals(self, gone: set[int]) -> Iterator[Patch]:
        """Yield what removes the pairs with these indexes; a mapping that loses all of them becomes ``{}``."""
        spans = [self._span(pair) for pair in pairs(self._node)]
        for index in sorted(gone):
            start, end = spans[index]
            if index == 0 and len(gone) == len(spans):
                yield self._put(start, end, "{}")
            elif self._lines.blank_before(start):
                yield self._lines.cut(start, end)
            else:
                yield self._first_of_item(spans, gone)

    def _first_of_item(self, spans: Sequence[Span], gone: set[int]) -> Patch:
        # Behind the dash of a list, the next pair that stays takes the place of this one.
        start, end = spans[0]
        following = spans[1][0]
        comments = self._lines.inside(start, following)
        if 1 not in gone and not comments:
            return Patch(start, following, "")
        breaks = self._lines.newline + self._lines.indent(start)
        rest = self._lines.after_blanks(end)
        kept = self._lines.inside(start, end)
        behind = "" if rest == self._lines.end(end) or not kept else breaks
        if not kept and rest == self._lines.end(end):
            start = len(self._lines.text[:start].rstrip(" \t"))
        return Patch(start, rest, breaks.join(kept) + behind)

    def replaced(self, text: str) -> Patch:
        """Return what puts ``text``, a value on one line, in place of the whole."""
        return self._put(self._tree.content(self._node), self._tree.end(self._node), text)

    def _put(self, start: int, end: int, text: str) -> Patch:
        patch = self._lines.instead(start, end, text)
        text = self._lines.text
        before = start
        while before and text[before - 1].isspace():
            before -= 1
        if text[before - 1 : before] == ":" and not self._lines.is_comment(before - 1):
            return Patch(before, patch.end, f" {patch.text}")
        # Below a comment or an anchor it stays on its line, deeper than the key even where a list was not.
        deeper = "  " if self._lines.blank_before(start) and before else ""
        return Patch(start, patch.end, deeper + patch.text)

    def insertion(self, entries: Sequence[tuple[str, str]], *, first: bool) -> Patch:
        """Return what adds keys with values, at the end or before all others, as far to the right as these are."""
        found = pairs(self._node)
        start = self._tree.start(found[0])
        indent = self._lines.indent(start)
        texts = [f"{indent}{key}: {value}" for key, value in entries]
        if first and self._lines.blank_before(start):
            return self._lines.above(start, texts)
        return self._lines.below(self._span(found[-1])[1], texts)

    def _span(self, pair: Pair) -> Span:
        return self._tree.start(pair), self._tree.end_of(pair)
