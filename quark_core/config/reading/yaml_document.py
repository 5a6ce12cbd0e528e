"""Reads YAML 1.2: the nodes of the text, as plain data with places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from quark_core.config.reading.document import Document, Path
from quark_core.config.reading.limits import DEPTH, NODES, too_deep, too_many
from quark_core.config.reading.source import Source
from quark_core.config.reading.yaml_nodes import Broken, Node, parse
from quark_core.config.reading.yaml_scalars import resolve, short, tagged

_CONTAINER_TAGS = {"list": "tag:yaml.org,2002:seq", "mapping": "tag:yaml.org,2002:map"}


def read_yaml(document: Document) -> None:
    """Fill in ``document`` from its source. Raises LimitError."""
    try:
        root, document.problems = parse(document.source)
    except Broken as error:
        document.problems.append(error.problem)
        return
    if root is None or _is_blank(document.source, root):
        document.problems.append(document.source.problem((0, 1), "the file holds nothing but comments", code="empty"))
        return
    document.value = _Reader(document).value(root, ())


def _is_blank(source: Source, root: Node) -> bool:
    return root.kind == "scalar" and root.plain and not root.text and root.tag is None and bool(source.text)


class _Reader:
    def __init__(self, document: Document) -> None:
        self.document = document
        self._count = 0

    def value(self, node: Node, path: Path) -> Any:
        """Return what a node holds, with its aliases and merges written out; NOTHING when it holds nothing usable."""
        self._visit(node, path)
        self.document.values[path] = node.span
        target = node.target or node
        if target.kind == "scalar":
            return self._scalar(target, path)
        if target.tag not in (None, "!", _CONTAINER_TAGS[target.kind]):
            self._fault(path, f"the tag {short(str(target.tag))} is not allowed", "remove it", "tag")
        if target.kind == "list":
            return [self.value(item, (*path, index)) for index, item in enumerate(target.items)]
        return self._mapping(target, path)

    def _visit(self, node: Node, path: Path) -> None:
        self._count += 1
        if self._count > NODES:
            raise too_many(node.span)
        if len(path) > DEPTH:
            raise too_deep(node.span)

    def _scalar(self, node: Node, path: Path) -> Any:
        try:
            if node.tag is not None:
                return tagged(node.tag, node.text)
            return resolve(node.text) if node.plain else node.text
        except OverflowError as error:
            self._fault(path, str(error), "", "limit")
        except ValueError as error:
            self._fault(path, str(error), "remove the tag", "tag")
        return node.text

    def _mapping(self, node: Node, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: list[Node] = []
        for key_node, value_node in _pairs(node):
            self._visit(key_node, path)
            if _is_merge(key_node):
                merged.append(value_node)
                self._check_merge(merged, key_node, value_node)
                continue
            key = self._key(key_node)
            if key is None:
                continue
            here = (*path, key)
            if key in found:
                self.document.problems.append(self.document.duplicate(here, key_node.span))
            self.document.keys[here] = key_node.span
            found[key] = self.value(value_node, here)
        for value_node in merged:
            self._merge(value_node, path, found, 1)
        return found

    def _key(self, node: Node) -> str | None:
        source, target = self.document.source, node.target or node
        if target.kind != "scalar":
            message = "a key must be a string, not a list or a mapping"
            self.document.problems.append(source.problem(node.span, message, "write a field's name", "key"))
            return None
        try:
            plain = resolve(target.text) if target.plain else target.text
            key = plain if target.tag is None else tagged(target.tag, target.text)
        except (OverflowError, ValueError) as error:
            self.document.problems.append(source.problem(node.span, str(error), "write a field's name", "key"))
            return None
        if isinstance(key, str):
            return key
        shown = target.text or "nothing"
        fix = f'write it in quotes: "{target.text}"' if target.text else "write a field's name"
        self.document.problems.append(source.problem(node.span, f"a key must be a string, not {shown}", fix, "key"))
        return None

    def _check_merge(self, merged: list[Node], key: Node, value: Node) -> None:
        source, target = self.document.source, value.target or value
        if len(merged) > 1:
            message, fix = "'<<' is given twice", "write one with a list: <<: [*a, *b]"
            self.document.problems.append(source.problem(key.span, message, fix, "duplicate_key"))
        parts = target.items if target.kind == "list" else [target]
        if any((part.target or part).kind != "mapping" for part in parts):
            message = "'<<' takes the alias of a mapping, or a list of such"
            self.document.problems.append(source.problem(value.span, message, "write <<: *name", "merge"))

    def _merge(self, node: Node, path: Path, found: dict[str, Any], depth: int) -> None:
        self._visit(node, path)
        if depth > DEPTH:
            raise too_deep(node.span)
        target = node.target or node
        if target.kind == "list":
            for item in target.items:
                if (item.target or item).kind == "mapping":
                    self._merge(item, path, found, depth + 1)
        if target.kind != "mapping":
            return
        inherited = []
        for key_node, value_node in _pairs(target):
            self._visit(key_node, path)
            if _is_merge(key_node):
                inherited.append(value_node)
                continue
            key = self._key(key_node)
            if key is not None and key not in found:
                self.document.keys[*path, key] = key_node.span
                found[key] = self.value(value_node, (*path, key))
        for value_node in inherited:
            self._merge(value_node, path, found, depth + 1)

    def _fault(self, path: Path, message: str, fix: str, code: str) -> None:
        self.document.problems.append(self.document.fault(path, message, fix, code=code))


def _pairs(node: Node) -> Iterator[tuple[Node, Node]]:
    return zip(node.items[::2], node.items[1::2], strict=True)


def _is_merge(node: Node) -> bool:
    return node.kind == "scalar" and node.plain and node.text == "<<" and node.tag is None
