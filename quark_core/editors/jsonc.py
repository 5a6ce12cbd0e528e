"""JSON with comments and trailing commas, as VS Code keeps its settings: read and edited in place."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from quark_core.config.reading.document import Path
from quark_core.config.reading.formats import read
from quark_core.config.reading.source import Source
from quark_core.editors.files import newline
from quark_core.errors import Problem, UsageError

_COMMENTS = re.compile(r'"(?:[^"\\\r\n]|\\.)*+"?|//[^\r\n]*+|/\*(?:.*?\*/|(?P<unclosed>.*))', re.DOTALL)
_COMMAS = re.compile(r'"(?:[^"\\\r\n]|\\.)*+"?|,(?=[ \t\r\n]*+[}\]])', re.DOTALL)
_IN_LINE = re.compile(r"[^\r\n]")

BLANKS = " \t\r\n"
"""What JSON takes for white space; other blanks can be the end of a comment."""


class Jsonc:
    """A text whose values can be added to and replaced; everything else in it stays as it is."""

    def __init__(self, file: str, text: str) -> None:
        """Read ``text``; raises UsageError with file, line and column when it is broken."""
        self.file = file
        self.text = text
        self._read()

    def _read(self) -> None:
        self._plain = without_comments(self.text)
        # Blanked text keeps every offset, so that the reader of configs finds places in the text itself.
        self.document = read(_without_trailing_commas(self._plain), "json", self.file)
        if self.document.problems:
            raise UsageError(f"{self._placed(self.document.problems[0])}\n     the file was left as it is")
        self.value: Any = self.document.value

    def _placed(self, problem: Problem) -> Problem:
        if problem.place is None:
            return problem
        whole = Source(self.file, self.text, "json")
        start = whole.at(problem.place.line, problem.place.column)
        return replace(problem, place=replace(problem.place, source=whole.place(start).source))

    def at(self, path: Path) -> Any:
        """Return the value at a path, or None."""
        value = self.value
        for part in path:
            known = value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0)
            if part not in known:
                return None
            value = value[part]
        return value

    def expect(self, path: Path, kind: type, words: str) -> None:
        """Raise UsageError when what stands at ``path`` is not of a kind."""
        if not isinstance(self.at(path), kind):
            name = ".".join(map(str, path)) or "the file"
            raise UsageError(f"{self.document.at(path)}: {name} must be {words}; the file was left as it is")

    def set(self, path: Path, value: Any) -> None:
        """Replace the value at ``path``."""
        start, end = self.document.values[path]
        self._splice((start, end, json.dumps(value, ensure_ascii=False)))

    def add(self, path: Path, value: Any, key: str | None = None) -> None:
        """Add a value to the end of the list at ``path``, or of the object under ``key``."""
        start, end = self.document.values[path]
        children = list(self._children(path))
        inner = self.text[start + 1 : end - 1]
        here = start + 1 + len(inner.rstrip(BLANKS))
        trailing = bool(children) and "," in self._plain[children[-1][1] : end - 1]
        comma = [(children[-1][1], children[-1][1], ",")] if children and not trailing else []
        if children and not re.search(r"[\r\n]", inner):
            self._splice(*comma, (here, here, " " + self._member(key, value, None) + "," * trailing))
            return
        outer = self._line_indent(start)
        indent = self._own_indent(children[0][0]) if children else None
        indent = outer + self._unit() if indent is None else indent
        body = newline(self.text) + indent + self._member(key, value, indent) + "," * trailing
        alone = not children and not re.search(r"[\r\n]", self.text[here : end - 1])
        self._splice(*comma, (here, end - 1 if alone else here, body + (newline(self.text) + outer) * alone))

    def put_first(self, key: str, value: Any) -> None:
        """Add ``key`` to the object at the root, before its other keys."""
        children = list(self._children(()))
        if not children:
            self.add((), value, key)
            return
        start = children[0][0]
        indent = self._own_indent(start)
        gap = " " if indent is None else newline(self.text) + indent
        self._splice((start, start, self._member(key, value, indent) + "," + gap))

    def _children(self, path: Path) -> list[tuple[int, int]]:
        """Return where each member or item begins and ends."""
        value = self.at(path)
        keys = list(value) if isinstance(value, dict) else range(len(value))
        paths = [(*path, key) for key in keys]
        return [(self.document.keys.get(p, self.document.values[p])[0], self.document.values[p][1]) for p in paths]

    def _splice(self, *edits: tuple[int, int, str]) -> None:
        for start, end, text in reversed(edits):
            self.text = self.text[:start] + text + self.text[end:]
        self._read()

    def _member(self, key: str | None, value: Any, indent: str | None) -> str:
        """Return what is added; over several lines, each with ``indent``, or on one for None."""
        name = "" if key is None else json.dumps(key, ensure_ascii=False) + ": "
        if indent is None:
            return name + json.dumps(value, ensure_ascii=False)
        text = json.dumps(value, indent=self._unit(), ensure_ascii=False)
        return name + text.replace("\n", newline(self.text) + indent)

    def _unit(self) -> str:
        first = next(iter(self._children(())), None) if isinstance(self.value, dict) else None
        return (self._own_indent(first[0]) if first else None) or "    "

    def _own_indent(self, offset: int) -> str | None:
        """Return what stands before ``offset`` on its line, if that is blank and another line is before it."""
        before = self._line_before(offset)
        return before if not before.strip() and len(before) < offset else None

    def _line_indent(self, offset: int) -> str:
        before = self._line_before(offset)
        return before[: len(before) - len(before.lstrip())]

    def _line_before(self, offset: int) -> str:
        return re.split(r"[\r\n]", self.text[:offset])[-1]


def without_comments(text: str) -> str:
    """Return ``text`` with blanks for comments, as long as before and with the same lines."""

    def blank(match: re.Match[str]) -> str:
        is_comment = not match[0].startswith('"') and match["unclosed"] is None
        return _IN_LINE.sub(" ", match[0]) if is_comment else match[0]

    return _COMMENTS.sub(blank, text)


def _without_trailing_commas(text: str) -> str:
    def blank(match: re.Match[str]) -> str:
        before = match.start() - 1
        while before > 0 and text[before] in BLANKS:
            before -= 1
        # A comma that follows nothing is a fault, not a trailing comma.
        return " " if match[0] == "," and before >= 0 and text[before] not in "{[," else match[0]

    return _COMMAS.sub(blank, text)
