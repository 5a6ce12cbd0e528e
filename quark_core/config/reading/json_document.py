"""Reads JSON: the values with ``json``, the places with tree-sitter."""

from __future__ import annotations

import json
import re

import tree_sitter_json
from tree_sitter import Language, Node, Parser

from quark_core.config.reading.document import Document, Path
from quark_core.config.reading.limits import NODES, check_tokens, too_many
from quark_core.config.reading.source import Bytes
from quark_core.errors import Problem

# The closing quote is optional, so that a string that never ends is one token and the scan stays linear.
_TOKENS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},:]|NaN|-?Infinity|\d{4000,}+', re.DOTALL)
_HINTS = (
    ("//", "JSON has no comments: remove it"),
    ("/*", "JSON has no comments: remove it"),
    ("#", "JSON has no comments: remove it"),
    ("'", "write \" instead of '"),
    ("True", "write true"),
    ("False", "write false"),
    ("None", "leave the field out"),
)


def read_json(document: Document) -> None:
    """Fill in ``document`` from its source. Raises LimitError."""
    check_tokens(document.source, _TOKENS)
    if _refuse_numbers(document):
        return
    try:
        document.value = json.loads(document.source.text)
    except json.JSONDecodeError as error:
        document.problems.append(_syntax(document, error))
        return
    _find_places(document)


def _refuse_numbers(document: Document) -> bool:
    for match in _TOKENS.finditer(document.source.text):
        if match[0] in ("NaN", "Infinity", "-Infinity"):
            document.problems.append(
                document.source.problem(match.span(), f"{match[0]} is not JSON", "write a number", "number")
            )
        elif match[0][0].isdigit():
            document.problems.append(document.source.problem(match.span(), "this number is too large", code="limit"))
    return bool(document.problems)


def _syntax(document: Document, error: json.JSONDecodeError) -> Problem:
    text = document.source.text
    start = min(error.pos, len(text.rstrip()))
    fix = next((fix for found, fix in _HINTS if text.startswith(found, start)), "")
    before = text[:start].rstrip()
    if text[start : start + 1] in ("]", "}") and before.endswith(","):
        start, fix = len(before) - 1, "remove the comma after the last item"
        return document.source.problem((start, start + 1), "a comma with nothing after it is not JSON", fix)
    return document.source.problem((start, start + 1), f"not JSON: {_lower(error.msg)}", fix)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _find_places(document: Document) -> None:
    positions = Bytes(document.source.text)
    root = Parser(Language(tree_sitter_json.language())).parse(positions.data).root_node
    waiting: list[tuple[Path, Node]] = [((), child) for child in root.named_children if child.type != "comment"]
    while waiting:
        path, node = waiting.pop()
        document.values[path] = positions.span(node.start_byte, node.end_byte)
        if node.type == "array":
            waiting += [((*path, index), child) for index, child in enumerate(node.named_children)]
        elif node.type == "object":
            waiting += _members(document, positions, path, node)
        if len(document.values) + len(waiting) > NODES:
            raise too_many()


def _members(document: Document, positions: Bytes, path: Path, node: Node) -> list[tuple[Path, Node]]:
    members: dict[Path, Node] = {}
    for pair in node.named_children:
        key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
        if key is None or value is None:
            continue
        span = positions.span(key.start_byte, key.end_byte)
        here = (*path, str(json.loads(document.source.text[slice(*span)])))
        if here in members:
            document.problems.append(document.duplicate(here, span))
        document.keys[here] = span
        members[here] = value
    return list(members.items())
