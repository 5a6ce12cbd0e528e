"""The nodes of a YAML text by their paths, and how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from quark_core.config.migration.text.patches import Refused
from quark_core.config.reading.document import Document, Path
from quark_core.config.reading.source import Span
from quark_core.config.reading.yaml_nodes import Node, parse
from quark_core.config.reading.yaml_scalars import resolve, tagged

# An anchor or a tag, and what may stand between it and the content.
_PROPERTY = re.compile(r"(?:&\S+|!\S*)(?:\s|#[^\r\n]*(?=[\r\n]))*")
_ANCHOR = re.compile(r"&\S+")
_LINE = re.compile(r"[^\r\n]*")
_COLON = re.compile(r"\s*:")
_EXPLICIT = re.compile(r"\?[ \t]+$")


@dataclass(frozen=True)
class Pair:
    """A key and its value."""

    key: Node
    value: Node

    @property
    def merges(self) -> bool:
        """Whether this is a merge key, which brings in the pairs of other mappings."""
        return self.key.kind == "scalar" and self.key.plain and self.key.text == "<<" and self.key.tag is None

    @property
    def name(self) -> str:
        """What the key says."""
        node = self.key.target or self.key
        plain = resolve(node.text) if node.plain else node.text
        return str(plain if node.tag is None else tagged(node.tag, node.text))


def pairs(mapping: Node) -> list[Pair]:
    """Return the pairs that a mapping is written with."""
    return [Pair(key, value) for key, value in zip(mapping.items[::2], mapping.items[1::2], strict=True)]


class Tree:
    """The nodes of a document that was read without problems."""

    def __init__(self, document: Document) -> None:
        self.text = document.source.text
        root, _ = parse(document.source)
        if root is None:
            raise Refused("the file is empty")
        self.root = root
        self._bracketed: set[int] = set()
        for _, node, _ in self.walk():
            if node.kind != "alias" and (id(node) in self._bracketed or self._opens(node)):
                self._bracketed |= {id(node), *map(id, node.items)}

    def walk(self) -> Iterator[tuple[Path, Node, Node | None]]:
        """Yield every node where it is written, with a path to it and, for values of merge keys, the mapping around."""
        waiting: list[tuple[Path, Node, Node | None]] = [((), self.root, None)]
        while waiting:
            path, node, around = waiting.pop()
            yield path, node, around
            if node.kind == "list":
                waiting += [((*path, index), item, around) for index, item in enumerate(node.items)]
            elif node.kind == "mapping":
                for pair in pairs(node):
                    here = path if pair.merges else (*path, pair.name)
                    waiting += [(here, pair.key, None), (here, pair.value, node if pair.merges else None)]

    def at(self, path: Path) -> Node:
        """Return the node at a path, never an alias: what it stands for."""
        node = self.root
        for part in path:
            node = node.items[part] if isinstance(part, int) else self.pair(node, part)[1].value
            node = node.target or node
        return node

    def pair(self, mapping: Node, name: str) -> tuple[Node, Pair]:
        """Return the pair that a mapping has under a name, by itself or merged in, and the mapping it is written in."""
        found = self._find(mapping, name)
        if found is None:
            raise Refused(f"{name} is not found where it is written")
        return found

    def inherits(self, mapping: Node, name: str) -> bool:
        """Return whether a merge key brings in a name, even one that the mapping has by itself."""
        return any(self._find(part.target or part, name) for part in _merged(mapping))

    def _find(self, mapping: Node, name: str) -> tuple[Node, Pair] | None:
        own = next((pair for pair in pairs(mapping) if not pair.merges and pair.name == name), None)
        if own is not None:
            return mapping, own
        return next((found for part in _merged(mapping) if (found := self._find(part.target or part, name))), None)

    def content(self, node: Node) -> int:
        """Return where a node starts, behind its anchor and tag."""
        start = node.span[0]
        while node.kind != "alias" and (found := _PROPERTY.match(self.text, start)):
            start = found.end()
        return start

    def is_flow(self, node: Node) -> bool:
        """Return whether a node stands in a list or mapping between brackets, or is one."""
        return id(node) in self._bracketed

    def is_lone_pair(self, node: Node) -> bool:
        """Return whether a mapping is a pair in a list, without braces: ``[a: b]``."""
        return node.kind == "mapping" and self.is_flow(node) and not self._opens(node)

    def _opens(self, node: Node) -> bool:
        return node.kind in ("list", "mapping") and self.text[self.content(node)] in "[{"

    def end(self, node: Node) -> int:
        """Return where a node ends; the reader's own ends go on to the next thing."""
        while node.kind in ("list", "mapping") and not self._opens(node):
            if node.kind == "mapping" and _is_empty(node.items[-1]):
                return self.behind_colon(pairs(node)[-1])
            node = node.items[-1]
        start, end = node.span
        if self.is_block_scalar(node):
            keeps = "+" in self.text[self.content(node) : end].split(maxsplit=1)[0]
            return end if keeps else start + len(self.text[start:end].rstrip())
        return end

    def end_of(self, pair: Pair) -> int:
        """Return where a pair ends."""
        return self.behind_colon(pair) if _is_empty(pair.value) else self.end(pair.value)

    def behind_colon(self, pair: Pair) -> int:
        """Return where a value that is left out would stand; the reader has it at the next thing."""
        colon = _COLON.match(self.text, pair.key.span[1])
        return colon.end() if colon else pair.key.span[1]

    def is_block_scalar(self, node: Node) -> bool:
        """Return whether a scalar is written with ``|`` or ``>``."""
        return node.kind == "scalar" and not node.plain and self.text[self.content(node)] in "|>"

    def start(self, pair: Pair) -> int:
        """Return where a pair starts: at its key, or at the question mark before it."""
        key = pair.key.span[0]
        line = max(self.text.rfind("\n", 0, key), self.text.rfind("\r", 0, key)) + 1
        explicit = _EXPLICIT.search(self.text[line:key])
        return key - (len(explicit[0]) if explicit else 0)

    def comments(self) -> list[Span]:
        """Return where the comments stand."""
        hidden = bytearray(len(self.text) + 1)
        for _, node, _ in self.walk():
            for start, end in self._opaque(node):
                hidden[start:end] = b"\1" * (end - start)
        found: list[Span] = []
        here = self.text.find("#")
        while here >= 0:
            line = _LINE.match(self.text, here)
            stop = line.end() if line and not hidden[here] else here + 1
            found += [(here, stop)] * (not hidden[here])
            here = self.text.find("#", stop)
        return found

    def _opaque(self, node: Node) -> Iterator[Span]:
        # What may hold a '#' that starts no comment.
        start, content = node.span[0], self.content(node)
        yield from (match.span() for match in _ANCHOR.finditer(self.text, start, content))
        if self.is_block_scalar(node):
            # Its first line may end in a comment.
            line = _LINE.match(self.text, content)
            yield line.end() if line else content, node.span[1]
        elif node.kind in ("scalar", "alias"):
            yield content, node.span[1]


def _is_empty(node: Node) -> bool:
    return node.span[0] == node.span[1] and not node.items


def _merged(mapping: Node) -> list[Node]:
    values = [pair.value for pair in pairs(mapping) if pair.merges]
    return [part for value in values for part in (value.items if value.kind == "list" else [value])]
