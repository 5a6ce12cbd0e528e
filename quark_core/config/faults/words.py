"""What a value is, and what was meant instead, in words for people."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from typing import Any

TRUE_WORDS = frozenset({"yes", "y", "on", "true", "t", "1"})
FALSE_WORDS = frozenset({"no", "n", "off", "false", "f", "0"})
_LONGEST = 60


def describe(value: Any) -> str:
    """Return what was found: ``'yes' (a string)``."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return f"{str(value).lower()} (a boolean)"
    if isinstance(value, int):
        return f"{shown(value)} (a whole number)"
    if isinstance(value, float):
        return f"{value} (a number)" if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return f"{shown(value)} (a string)"
    return "a list" if isinstance(value, list | tuple) else "an object"


def shown(value: Any) -> str:
    """Return a value for a message, shortened where it is long."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def nearest(word: Any, known: Iterable[str]) -> str | None:
    """Return the known word that ``word`` was meant to be, if one comes close."""
    if not isinstance(word, str) or len(word) > _LONGEST:
        return None
    names = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), names, 1)
    return names[near[0]] if near else None


def boolean_fix(value: Any) -> str:
    """Return how to write what was meant by something that is not a boolean."""
    word = str(value).lower() if isinstance(value, str | int) else ""
    if word in TRUE_WORDS:
        return "write true"
    return "write false" if word in FALSE_WORDS else "write true or false"
