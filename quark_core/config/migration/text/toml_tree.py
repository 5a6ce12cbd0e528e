"""The tables, keys and values of a TOML text, and where they stand."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from quark_core.config.reading.document import Path
from quark_core.config.reading.source import Bytes, Span

_KEYS = ("bare_key", "quoted_key", "dotted_key")


@dataclass(frozen=True)
class Part:
    """One name of a dotted key, and the path that it leads to."""

    path: Path
    span: Span


@dataclass(eq=False)
class Value:
    """What stands behind an equals sign or in an array."""

    path: Path
    span: Span
    pairs: list[Pair] | None = None
    """What is in an inline table; None for anything else."""


@dataclass(eq=False)
class Pair:
    """A key, dotted or not, and its value."""

    parts: list[Part]
    span: Span
    value: Value
    around: Value | None
    """The inline table that it stands in."""

    @property
    def path(self) -> Path:
        """Where the value goes."""
        return self.parts[-1].path


@dataclass(eq=False)
class Section:
    """What stands under one header, or before all of them."""

    path: Path
    parts: list[Part] = field(default_factory=list)
    span: Span = (0, 0)
    """Where the header stands, brackets included."""
    pairs: list[Pair] = field(default_factory=list)


class Tree:
    """A TOML text that was read without problems."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._positions = Bytes(text)
        root = Parser(Language(tree_sitter_toml.language())).parse(self._positions.data).root_node
        self.values: dict[Path, Value] = {}
        self.pairs: dict[Path, list[Pair]] = {}
        """The pairs whose keys lead to a path or through it, those of inline tables too."""
        self.headers: dict[Path, list[Section]] = {}
        """The sections whose headers lead to a path or through it."""
        self._counts: dict[Path, int] = {}
        self.sections = [Section(())]
        self.comments = sorted(self._comments(root))
        for node in root.named_children:
            if node.type == "pair":
                self.sections[0].pairs.append(self._pair(node, (), None))
            elif node.type in ("table", "table_array_element"):
                self.sections.append(self._section(node))

    def parts(self, path: Path) -> list[Part]:
        """Return every name that leads to a path."""
        holders = [*self.headers.get(path, ()), *self.pairs.get(path, ())]
        return [part for holder in holders for part in holder.parts if part.path == path]

    def section(self, path: Path) -> Section | None:
        """Return what stands under a path's own header, or before all headers."""
        if not path:
            return self.sections[0]
        name = path if isinstance(path[-1], str) else path[:-1]
        return next((section for section in self.headers.get(name, ()) if section.path == path), None)

    def _comments(self, root: Node) -> Iterator[Span]:
        waiting = [root]
        while waiting:
            node = waiting.pop()
            if node.type == "comment":
                start, end = self._span(node)
                yield start, start + len(self.text[start:end].rstrip("\r\n"))
            waiting += node.children

    def _section(self, node: Node) -> Section:
        head, *rest = [child for child in node.named_children if child.type != "comment"]
        parts: list[Part] = []
        path: Path = ()
        names = self._names(head)
        for index, (name, span) in enumerate(names):
            path = (*path, name)
            parts.append(Part(path, span))
            if index == len(names) - 1 and node.type == "table_array_element":
                self._counts[path] = self._counts.get(path, 0) + 1
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
        closing = next(child for child in node.children if child.type in ("]", "]]"))
        span = (self._span(node)[0], self._span(closing)[1])
        section = Section(path, parts, span, [self._pair(child, path, None) for child in rest])
        for part in parts:
            self.headers.setdefault(part.path, []).append(section)
        return section

    def _pair(self, node: Node, path: Path, around: Value | None) -> Pair:
        key, value = [child for child in node.named_children if child.type != "comment"]
        parts: list[Part] = []
        for name, span in self._names(key):
            path = (*path, name)
            parts.append(Part(path, span))
        pair = Pair(parts, (parts[0].span[0], self._span(value)[1]), self._value(value, path), around)
        for part in parts:
            self.pairs.setdefault(part.path, []).append(pair)
        return pair

    def _value(self, node: Node, path: Path) -> Value:
        found = self.values[path] = Value(path, self._span(node))
        children = [child for child in node.named_children if child.type != "comment"]
        if node.type == "array":
            for index, child in enumerate(children):
                self._value(child, (*path, index))
        elif node.type == "inline_table":
            found.pairs = [self._pair(child, path, found) for child in children]
        return found

    def _names(self, node: Node) -> Sequence[tuple[str, Span]]:
        if node.type == "dotted_key":
            return [name for child in node.named_children for name in self._names(child)]
        if node.type not in _KEYS:
            return []
        span = self._span(node)
        text = self.text[slice(*span)]
        return [(text if node.type == "bare_key" else next(iter(tomllib.loads(f"{text} = 0"))), span)]

    def _span(self, node: Node) -> Span:
        return self._positions.span(node.start_byte, node.end_byte)
