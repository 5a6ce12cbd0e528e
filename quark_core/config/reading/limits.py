"""Bounds on what is read, so that no file makes the reader run long, deep or out of memory."""

from __future__ import annotations

import re
from datetime import date, time
from typing import TYPE_CHECKING, Any

from quark_core.config.reading.source import Source, Span
from quark_core.errors import Problem

if TYPE_CHECKING:
    from quark_core.config.reading.document import Document, Path

SIZE = 1 << 20
"""Largest file, in bytes."""
DEPTH = 64
"""Deepest nesting of objects and lists."""
NODES = 100_000
"""Most keys, values and items, once every YAML alias is written out."""
_BITS = 4096
_OPENING = frozenset("[{")
_CLOSING = frozenset("]}")
_COUNTING = frozenset("{,:=")
_HIDING = frozenset("\"'#")

_SURROGATE = re.compile("[\ud800-\udfff]")


class LimitError(Exception):
    """The whole file is refused; ``span`` is where it goes too far."""

    def __init__(self, message: str, span: Span, fix: str = "", code: str = "limit") -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.fix = fix
        self.code = code


def too_deep(span: Span) -> LimitError:
    """Return the error for nesting below ``DEPTH``."""
    return LimitError(f"nested more than {DEPTH} deep", span)


def too_many(span: Span = (0, 1)) -> LimitError:
    """Return the error for more than ``NODES`` values."""
    return LimitError(f"more than {NODES:,} keys and values", span, "write fewer, or fewer YAML aliases")


def check_tokens(source: Source, tokens: re.Pattern[str]) -> None:
    """Raise LimitError where brackets nest too deep or there is too much of everything.

    ``tokens`` finds brackets, what stands between keys and values, and whatever may hide some of these.
    """
    depth = count = dots = 0
    for match in tokens.finditer(source.text):
        found = match[0]
        depth += (found in _OPENING) - (found in _CLOSING)
        # A number has one dot; with more it is a key, whose every part counts.
        dots = dots + 1 if found == "." else dots if found[0] in _HIDING else 0
        count += found in _COUNTING or dots > 1
        if depth > DEPTH or dots >= DEPTH:
            raise too_deep(match.span())
        if count > NODES:
            raise too_many(match.span())


def check_data(document: Document) -> None:
    """Report, and make harmless, values that no config can hold; raise LimitError when there are too many."""
    waiting: list[tuple[Path, Any]] = [((), document.value)]
    count = 0
    while waiting:
        path, value = waiting.pop()
        pairs = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
        count += 1 + len(pairs) * isinstance(value, dict)
        if count > NODES:
            raise too_many()
        if len(path) >= DEPTH and pairs:
            raise LimitError(f"nested more than {DEPTH} deep", document.values.get(path, (0, 1)))
        for key, item in pairs:
            if isinstance(key, str) and _SURROGATE.search(key):
                document.problems.append(_surrogate(document, (*path, key), at_key=True))
                del value[key]
                continue
            value[key] = _harmless(document, (*path, key), item)
            waiting.append(((*path, key), item))


def _harmless(document: Document, path: Path, value: Any) -> Any:
    if isinstance(value, str) and _SURROGATE.search(value):
        document.problems.append(_surrogate(document, path))
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, int) and value.bit_length() > _BITS:
        document.problems.append(document.fault(path, "this number is too large", code="limit"))
        return 1
    if isinstance(value, date | time):
        fix = f'write it in quotes: "{value.isoformat()}"'
        document.problems.append(document.fault(path, "dates and times are not allowed in a config", fix, code="date"))
        return value.isoformat()
    return value


def _surrogate(document: Document, path: Path, *, at_key: bool = False) -> Problem:
    message = "half of a character: \\ud800 to \\udfff only stand in pairs"
    return document.fault(path, message, "write the character itself", code="encoding", at_key=at_key)
