"""Reads TOML: the values with ``tomllib``, the places with tree-sitter."""

from __future__ import annotations

import re
import tomllib

from quark_core.config.reading.document import Document
from quark_core.config.reading.limits import check_tokens
from quark_core.config.reading.source import Source
from quark_core.config.reading.toml_places import find_places
from quark_core.errors import Problem

_STRING = (
    r'"""[^"\\]*+(?:(?:\\.|"(?!""))[^"\\]*+)*+(?:"""(?:"(?!")|""(?!"))?)?+'
    r"|'''[^']*+(?:'(?!'')[^']*+)*+(?:'''(?:'(?!')|''(?!'))?)?+"
    r'|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"?+'
    r"|'[^'\n]*+'?+"
    r"|\#[^\n]*+"
)
# Strings and comments come first, so that brackets and dots inside of them do not count. The dots of a key do: tomllib
# takes time that grows with the square of their number.
_TOKENS = re.compile(_STRING + r"|[.=,\n\[\]{}]", re.DOTALL)
_DIGITS = re.compile(_STRING + r"|[0-9_]{4000,}+", re.DOTALL)
_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_TWICE = re.compile("Cannot|Duplicate")
_TEXTS = {
    "Cannot overwrite a value": ("this key is given twice", "remove one of the two"),
    "Cannot declare": ("this table is given twice", "merge the two tables, or write [[name]] for items of a list"),
    "Duplicate inline table key": ("a key is given twice in this table", "remove one of the two"),
    "Cannot mutate immutable namespace": ("this table was already written in full", "write its fields in one place"),
    "Invalid value": ("this is not a TOML value", 'quote text: "…"; booleans are true and false'),
    "Unclosed array": ("a '[' is opened and never closed", "add ']'"),
    "Unterminated string": ("a quote is opened and never closed", "close it"),
}


def read_toml(document: Document) -> None:
    """Fill in ``document`` from its source. Raises LimitError."""
    source = document.source
    check_tokens(source, _TOKENS)
    try:
        document.value = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        # tomllib stops at the end of the first thing that is given twice, and does not say where the other one is.
        twice = find_places(Document(source)) if _TWICE.match(str(error)) else []
        document.problems += twice or [_syntax(source, str(error))]
        return
    except (ValueError, RecursionError) as error:
        document.problems.append(_number(source, error))
        return
    find_places(document)


def _syntax(source: Source, said: str) -> Problem:
    where = _AT.search(said)
    end = len(source.text.rstrip())
    # tomllib counts lines by "\n" alone, as does every line end that TOML allows.
    start = source.at(int(where[1]), int(where[2])) if where and where[1] else end
    message = said[: where.start()] if where else said
    text, fix = next((known for key, known in _TEXTS.items() if message.startswith(key)), ("", ""))
    return source.problem((start, start + 1), text or f"not TOML: {message[:1].lower()}{message[1:]}", fix)


def _number(source: Source, error: Exception) -> Problem:
    # The one ValueError that tomllib lets through is Python's own, about dates and numbers out of bounds.
    for match in _DIGITS.finditer(source.text):
        if match[0][0].isdigit():
            return source.problem(match.span(), "this number is too large", code="limit")
    return source.problem((0, 1), f"not TOML: {error}")
