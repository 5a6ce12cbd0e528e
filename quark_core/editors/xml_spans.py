"""XML elements with the places where they begin and end, so that a text can be edited and stay otherwise as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from quark_core.config.reading.limits import SIZE
from quark_core.config.reading.source import Bytes
from quark_core.errors import UsageError

_START = re.compile(rb"""<(?:[^"'>]|"[^"]*"|'[^']*')*+>""")


@dataclass
class Element:
    """An element; offsets count characters."""

    tag: str
    given: dict[str, str]
    start: int
    close: int = 0
    """Where its end tag begins; its end where it has none."""
    end: int = 0
    is_empty_tag: bool = False
    """Whether it is written ``<tag/>``."""
    children: list[Element] = field(default_factory=list)

    def child(self, tag: str, given: Mapping[str, str]) -> Element | None:
        """Return the first child with a tag and, among others, these attributes."""
        return next((c for c in self.children if c.tag == tag and given.items() <= c.given.items()), None)

    def descend(self, *tags: str) -> Element | None:
        """Return the first child of the first child …, by their tags."""
        found: Element | None = self
        for tag in tags:
            found = found and found.child(tag, {})
        return found


def read_xml(file: str, text: str) -> Element:
    """Return the root of an XML text; raises UsageError, with file, line and column, when it is broken."""
    if len(text) > SIZE:
        raise UsageError(f"{file}: is longer than {SIZE:,} characters, and was left as it is")
    return _Reader(file, text).read()


class _Reader:
    def __init__(self, file: str, text: str) -> None:
        self._file, self._bytes = file, Bytes(text)
        self._open: list[Element] = []
        self._parser = expat.ParserCreate("UTF-8")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._root: Element | None = None

    def read(self) -> Element:
        try:
            self._parser.Parse(self._bytes.data, True)  # noqa: FBT003 - expat takes it by position only
        except expat.ExpatError as error:
            where = f"{self._file}:{error.lineno}:{error.offset + 1}"
            raise UsageError(
                f"{where}: not XML: {expat.ErrorString(error.code)}; the file was left as it is"
            ) from error
        if self._root is None:
            raise UsageError(f"{self._file}:1:1: not XML: no element; the file was left as it is")
        return self._root

    def _here(self) -> int:
        index = self._parser.CurrentByteIndex
        return self._bytes.span(index, index)[0]

    def _start(self, tag: str, given: dict[str, str]) -> None:
        written = _START.match(self._bytes.data, self._parser.CurrentByteIndex)
        element = Element(tag, given, self._here(), is_empty_tag=written is not None and written[0].endswith(b"/>"))
        if self._open:
            self._open[-1].children.append(element)
        self._root = self._root or element
        self._open.append(element)

    def _end(self, tag: str) -> None:
        del tag
        element = self._open.pop()
        element.close = element.end = self._here()
        # expat reports the end of `<tag/>` behind it, that of `</tag>` before it.
        if not element.is_empty_tag:
            behind = self._bytes.data.index(b">", self._parser.CurrentByteIndex) + 1
            element.end = self._bytes.span(behind, behind)[0]

    def _doctype(self, *_: object) -> None:
        raise UsageError(f"{self._file}: has a DOCTYPE, which mappings never have; the file was left as it is")
