"""Where the keys and values of a TOML text stand: tables, arrays of tables, dotted, quoted and inline keys."""

from __future__ import annotations

import tomllib

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from quark_core.config.reading.document import Document, Path
from quark_core.config.reading.limits import NODES, too_many
from quark_core.config.reading.source import Bytes, Span
from quark_core.errors import Problem

_KEYS = ("bare_key", "quoted_key", "dotted_key")


def find_places(document: Document) -> list[Problem]:
    """Fill in the places of a document, and return what is given twice in it. Raises LimitError."""
    finder = _Finder(document)
    finder.run()
    return finder.twice


class _Finder:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.positions = Bytes(document.source.text)
        self.root = Parser(Language(tree_sitter_toml.language())).parse(self.positions.data).root_node
        # How many items each array of tables has so far.
        self.counts: dict[Path, int] = {}
        self.headers: set[Path] = set()
        self.twice: list[Problem] = []

    def run(self) -> None:
        for node in self.root.named_children:
            if node.type == "pair":
                self._pair(node, ())
            elif node.type in ("table", "table_array_element"):
                self._table(node)

    def _table(self, node: Node) -> None:
        head, *pairs = [child for child in node.named_children if child.type != "comment"]
        path: Path = ()
        parts = self._parts(head)
        for index, (name, span) in enumerate(parts):
            path = (*path, name)
            self.document.keys.setdefault(path, span)
            last = index == len(parts) - 1
            if last and path in (self.headers if node.type == "table" else self.document.values):
                self.twice.append(self.document.duplicate(path, span))
            if last and node.type == "table_array_element":
                self.counts[path] = self.counts.get(path, 0) + 1
            if last and node.type == "table":
                # A table that an earlier header implied is found where it has a header of its own.
                self.document.keys[path] = span
                self.headers.add(path)
            if path in self.counts:
                path = (*path, self.counts[path] - 1)
                self.document.values.setdefault(path, self._whole(head))
        for pair in pairs:
            self._pair(pair, path)

    def _pair(self, node: Node, path: Path) -> None:
        children = [child for child in node.named_children if child.type != "comment"]
        if node.type != "pair" or len(children) != 2 or children[0].type not in _KEYS:
            return
        span = (0, 0)
        for name, span in self._parts(children[0]):
            path = (*path, name)
            self.document.keys.setdefault(path, span)
        if path in self.document.values or path in self.headers:
            self.twice.append(self.document.duplicate(path, span))
        self._value(children[1], path)

    def _value(self, node: Node, path: Path) -> None:
        self.document.values[path] = self._whole(node)
        if len(self.document.values) > NODES:
            raise too_many()
        children = [child for child in node.named_children if child.type != "comment"]
        if node.type == "array":
            for index, child in enumerate(children):
                self._value(child, (*path, index))
        elif node.type == "inline_table":
            for child in children:
                self._pair(child, path)

    def _parts(self, node: Node) -> list[tuple[str, Span]]:
        parts: list[tuple[str, Span]] = []
        waiting = [node]
        while waiting:
            key = waiting.pop()
            if key.type == "dotted_key":
                waiting += reversed(key.named_children)
            elif key.type in _KEYS:
                span = self._whole(key)
                text = self.document.source.text[slice(*span)]
                parts.append((text if key.type == "bare_key" else next(iter(tomllib.loads(f"{text} = 0"))), span))
        return parts

    def _whole(self, node: Node) -> Span:
        return self.positions.span(node.start_byte, node.end_byte)
