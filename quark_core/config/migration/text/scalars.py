"""Keys and values as they are written in each format."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
# What every reader of YAML, old or new, takes for a string without quotes, in a block as between brackets.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})


def json_value(value: Any) -> str:
    """Return a value in JSON, on one line."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def yaml_value(value: Any) -> str:
    """Return a value in YAML, on one line."""
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return _value(value, yaml_text, ": ")


def toml_value(value: Any) -> str:
    """Return a value in TOML, on one line. Raises TypeError for None, which TOML cannot say."""
    if value is None:
        raise TypeError("TOML has no null")
    return _value(value, quoted, " = ")


def yaml_text(text: str) -> str:
    """Return a string or key in YAML, without quotes where no reader can mistake it."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else quoted(text)


def toml_key(text: str) -> str:
    """Return a key in TOML."""
    return text if _BARE.fullmatch(text) else quoted(text)


def quoted(text: str) -> str:
    """Return a string in double quotes, with escapes that YAML and TOML both know."""
    return '"' + "".join(map(_escaped, text)) + '"'


def like(old: str, new: str, plain: Callable[[str], str]) -> str:
    """Return a key or string in the kind of quotes that ``old`` is written in."""
    if old[:1] == '"':
        return quoted(new)
    if old[:1] == "'" and new.isprintable() and "'" not in new:
        return f"'{new}'"
    return plain(new)


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _value(value: Any, text: Callable[[str], str], colon: str) -> str:
    whole = yaml_value if colon == ": " else toml_value
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        key = yaml_text if colon == ": " else toml_key
        return "{" + ", ".join(f"{key(name)}{colon}{whole(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(whole, value)) + "]"
    # Numbers and the words true, false and null are written alike; so are inf and nan in TOML.
    return json.dumps(value) if not isinstance(value, float) or math.isfinite(value) else str(value)
