"""The nodes of a YAML text, built from ruamel's events without recursion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from quark_core.config.reading.limits import DEPTH, NODES, too_deep, too_many
from quark_core.config.reading.source import Source, Span
from quark_core.errors import Problem

_LONGEST = 200

_TEXTS = {
    "mapping values are not allowed here": ("a ':' cannot stand here", "check the indentation, or quote the text"),
    "could not find expected ':'": ("a key without ':'", "write `key: value`, with a space after the colon"),
    "found undefined alias": ("no anchor has this name", "define it first: &name"),
    "while scanning a quoted scalar": ("a quote is opened and never closed", "close it, or quote the text otherwise"),
}


@dataclass(eq=False)
class Node:
    """A scalar, list or mapping. Aliases are nodes of their own, with ``target``."""

    kind: str
    span: Span
    tag: str | None = None
    text: str = ""
    plain: bool = False
    items: list[Node] = field(default_factory=list)
    """Items of a list; keys and values of a mapping, by turns."""
    target: Node | None = None
    done: bool = False


class Broken(Exception):  # noqa: N818 - carries a problem; it never leaves the reader
    """The text is not YAML."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def parse(source: Source) -> tuple[Node | None, list[Problem]]:
    """Return the root of the first document, and what else is wrong. Raises Broken and LimitError."""
    builder = _Builder(source)
    for event in _events(source):
        builder.take(event)
        if builder.documents > 1:
            span = (event.start_mark.index, event.start_mark.index + 3)
            fix = "keep one document in each file"
            return builder.root, [source.problem(span, "a second YAML document starts here", fix, "documents")]
    return builder.root, []


def _events(source: Source) -> Iterator[Any]:
    last = 0
    try:
        for event in YAML(typ="safe", pure=True).parse(source.text):
            last = event.end_mark.index
            yield event
    except MarkedYAMLError as error:
        raise Broken(_explain(source, error, last)) from error
    except ReaderError as error:
        where = int(error.position)
        problem = source.problem((where, where + 1), f"the character {chr(error.character)!r} is not allowed in YAML")
        raise Broken(problem) from error
    except (YAMLError, ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
        # On broken escapes, tags and directives ruamel stumbles instead of saying so.
        raise Broken(source.problem((last, last + 1), f"not YAML: {str(error)[:_LONGEST]}")) from error


def _explain(source: Source, error: MarkedYAMLError, last: int) -> Problem:
    mark = error.problem_mark or error.context_mark
    start = min(mark.index if mark else last, len(source.text.rstrip()))
    said = " ".join(str(part) for part in (error.context, error.problem) if part)
    if "quoted scalar" in said and "unexpected end" in said and error.context_mark:
        start = error.context_mark.index
    if source.text[start : start + 1] == "\t":
        return source.problem((start, start + 1), "a tab cannot indent YAML", "indent with spaces", "tab")
    for key, (text, fix) in _TEXTS.items():
        if key in said:
            return source.problem((start, start + 1), text, fix)
    fix = "check the indentation" if "block" in said else ""
    return source.problem((start, start + 1), f"not YAML: {said[:_LONGEST]}", fix)


class _Builder:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.root: Node | None = None
        self.documents = 0
        self._open: list[Node] = []
        self._anchors: dict[str, Node] = {}
        self._count = 0

    def take(self, event: Any) -> None:
        span = (event.start_mark.index, event.end_mark.index)
        if isinstance(event, DocumentStartEvent):
            self.documents += 1
        elif isinstance(event, ScalarEvent):
            tag = str(event.ctag) if event.ctag is not None else None
            self._add(Node("scalar", span, tag, event.value, plain=event.style is None, done=True), event.anchor)
        elif isinstance(event, AliasEvent):
            self._add(Node("alias", span, target=self._target(event.anchor, span)), None)
        elif isinstance(event, SequenceStartEvent | MappingStartEvent):
            kind = "list" if isinstance(event, SequenceStartEvent) else "mapping"
            tag = str(event.ctag) if event.ctag is not None else None
            node = Node(kind, span, tag)
            self._add(node, event.anchor)
            self._open.append(node)
            if len(self._open) > DEPTH:
                raise too_deep(span)
        elif isinstance(event, SequenceEndEvent | MappingEndEvent):
            node = self._open.pop()
            # A block ends where the next thing starts, long after its last item.
            block = span[0] == span[1] and node.items
            node.span = (node.span[0], node.items[-1].span[1] if block else max(span[1], node.span[1]))
            node.done = True

    def _add(self, node: Node, anchor: str | None) -> None:
        self._count += 1
        if self._count > NODES:
            raise too_many(node.span)
        if anchor is not None:
            self._anchors[anchor] = node
        if self._open:
            self._open[-1].items.append(node)
        else:
            self.root = self.root or node

    def _target(self, anchor: str, span: Span) -> Node:
        target = self._anchors.get(anchor)
        if target is None:
            message = f"no anchor &{anchor} stands before this alias"
            raise Broken(self.source.problem(span, message, f"define it first: &{anchor}", "alias"))
        if not target.done:
            message = f"the alias *{anchor} stands inside its own anchor"
            raise Broken(self.source.problem(span, message, "write the values out", "alias"))
        return target
