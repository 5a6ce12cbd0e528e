"""What a YAML scalar means: the core schema of YAML 1.2, so ``yes`` is a string and ``1e-4`` a number."""

from __future__ import annotations

import re
from typing import Any

STR = "tag:yaml.org,2002:str"
_TAGS: dict[str, tuple[type[Any], ...]] = {
    "tag:yaml.org,2002:null": (type(None),),
    "tag:yaml.org,2002:bool": (bool,),
    "tag:yaml.org,2002:int": (int,),
    "tag:yaml.org,2002:float": (float, int),
}
_INT = re.compile(r"[-+]?[0-9]+")
_OCT = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INF = re.compile(r"[-+]?\.(?:inf|Inf|INF)")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    word: value for value in (True, False) for word in (str(value), str(value).lower(), str(value).upper())
}
_LONGEST = 1000


def resolve(text: str) -> Any:
    """Return what a plain scalar means. Raises OverflowError for a number of absurd length."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if text in (".nan", ".NaN", ".NAN"):
        return float("nan")
    if _INF.fullmatch(text):
        return float(text.replace(".", "").lower())
    return _number(text)


def _number(text: str) -> Any:
    for pattern, base in ((_INT, 10), (_OCT, 8), (_HEX, 16)):
        if pattern.fullmatch(text):
            _check_length(text)
            return int(text if base == 10 else text[2:], base)
    if _FLOAT.fullmatch(text):
        _check_length(text)
        return float(text)
    return text


def _check_length(text: str) -> None:
    if len(text) > _LONGEST:
        raise OverflowError("this number is too large")


def tagged(tag: str, text: str) -> Any:
    """Return what a scalar with an explicit tag means. Raises ValueError when the tag does not go with it."""
    if tag in (STR, "!"):
        return text
    if tag not in _TAGS:
        raise ValueError(f"the tag {short(tag)} is not allowed")
    value: Any = resolve(text)
    if type(value) not in _TAGS[tag]:
        raise ValueError(f"{text[:60]!r} does not go with the tag {short(tag)}")
    return float(value) if tag.endswith(":float") else value


def short(tag: str) -> str:
    """Return a tag as people write it."""
    return tag.replace("tag:yaml.org,2002:", "!!")[:60]
