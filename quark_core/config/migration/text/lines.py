"""Texts made of lines: YAML's blocks and TOML's tables."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import islice, takewhile

from quark_core.config.migration.text.patches import Patch
from quark_core.config.reading.source import Span

_BREAK = re.compile(r"\r\n|\n|\r")
_BLANK = re.compile(r"[ \t]*")
# What must stay the first thing in a file: a mark for editors, and YAML's directives and start of a document.
_FIXED = re.compile(r"#!|#:schema|#\s*yaml-language-server|%|---")


class Lines:
    """A text with its comments, and what one can find out about its lines."""

    def __init__(self, text: str, comments: Sequence[Span]) -> None:
        self.text = text
        self.comments = comments
        found = _BREAK.search(text)
        self.newline = found[0] if found else "\n"

    def start(self, offset: int) -> int:
        """Return where the line of an offset starts."""
        return max(self.text.rfind("\n", 0, offset), self.text.rfind("\r", 0, offset)) + 1

    def end(self, offset: int) -> int:
        """Return where the line of an offset ends, before its break."""
        found = _BREAK.search(self.text, offset)
        return found.start() if found else len(self.text)

    def next(self, offset: int) -> int:
        """Return where the line after that of an offset starts; the end of the text after the last one."""
        found = _BREAK.search(self.text, offset)
        return found.end() if found else len(self.text)

    def indent(self, offset: int) -> str:
        """Return blanks up to the column of an offset."""
        return re.sub(r"[^\t]", " ", self.text[self.start(offset) : offset])

    def blank_before(self, offset: int) -> bool:
        """Return whether nothing but blanks stands before an offset on its line."""
        return not self.text[self.start(offset) : offset].strip(" \t")

    def after_blanks(self, offset: int) -> int:
        """Return the offset of the next thing on the line, or of the line's end."""
        found = _BLANK.match(self.text, offset)
        return found.end() if found else offset

    def ends(self, offset: int) -> bool:
        """Return whether nothing but blanks follows on the line."""
        return self.after_blanks(offset) == self.end(offset)

    def inside(self, start: int, end: int) -> list[str]:
        """Return the comments that stand between two offsets."""
        first = bisect_left(self.comments, (start, start))
        return [self.text[a:b] for a, b in takewhile(lambda span: span[1] <= end, islice(self.comments, first, None))]

    def is_comment(self, offset: int) -> bool:
        """Return whether an offset lies in a comment."""
        before = bisect_right(self.comments, (offset, len(self.text)))
        return before > 0 and offset < self.comments[before - 1][1]

    def cut(self, start: int, end: int) -> Patch:
        """Return what removes a thing that has its lines to itself; comments in and after it stay, on their own."""
        kept = self.inside(start, end)
        rest = self.after_blanks(end)
        if not kept and rest == self.end(end):
            return Patch(self.start(start), self.next(end), "")
        breaks = self.newline + self.indent(start)
        return Patch(start, rest, breaks.join(kept) + (breaks if kept and rest != self.end(end) else ""))

    def instead(self, start: int, end: int, text: str) -> Patch:
        """Return what puts ``text`` in place of a thing; comments in the thing follow, on lines of their own."""
        kept = self.inside(start, end)
        if not kept:
            return Patch(start, end, text)
        breaks = self.newline + self.indent(start)
        rest = self.after_blanks(end)
        tail = "" if rest == self.end(end) else breaks
        return Patch(start, rest, text + "".join(breaks + comment for comment in kept) + tail)

    def below(self, end: int, lines: Sequence[str]) -> Patch:
        """Return what writes ``lines`` below the line on which something ends."""
        if end and self.text[end - 1] in "\r\n":
            return Patch(end, end, "".join(line + self.newline for line in lines))
        stop = self.end(end)
        return Patch(stop, stop, "".join(self.newline + line for line in lines))

    def above(self, start: int, lines: Sequence[str]) -> Patch:
        """Return what writes ``lines`` above the line of an offset, and above the comments right over it."""
        here = self.start(start)
        while here:
            before = self.start(here - 1 - (self.text[here - 2 : here] == "\r\n"))
            line = self.text[before:here].strip()
            if not line.startswith("#") or _FIXED.match(line):
                break
            here = before
        return Patch(here, here, "".join(line + self.newline for line in lines))
