"""How a config names layers: exact name, ``glob:``, ``re:`` (whole name), ``type:`` (class)."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

# `(?![\s\S])` is the end of the text in every regular expression dialect; `$` is not.
PATTERN = r"^(?:(?:glob|re|type):[^\n\r]+|[^:\n\r]+)(?![\s\S])"
"""What a pattern may look like, as a regular expression that Python, JavaScript and Rust read alike."""


def _check(value: str) -> str:
    if not re.search(PATTERN, value):
        text = f"{value!r} is not a layer pattern: write an exact name, glob:…, re:… or type:…"
        raise PydanticCustomError("layer_pattern", "{text}", {"text": text})
    return value


LayerPattern = Annotated[str, AfterValidator(_check), WithJsonSchema({"type": "string", "pattern": PATTERN})]


def matcher(pattern: str) -> Callable[[str, Sequence[str]], bool]:
    """Return a test of (qualified name, class names). In globs, ``*`` also matches dots. Raises re.error."""
    prefix, _, text = pattern.partition(":")
    if prefix == "glob" and text:
        compiled = re.compile(fnmatch.translate(text))
        return lambda name, _types: compiled.match(name) is not None
    if prefix == "re" and text:
        whole = re.compile(text)
        return lambda name, _types: whole.fullmatch(name) is not None
    if prefix == "type" and text:
        return lambda _name, types: text in types
    return lambda name, _types: name == pattern
