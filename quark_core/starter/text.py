"""First configs as text in YAML, TOML or JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from quark_core.starter.blocks import Block, Line

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def as_text(parts: Iterable[Line | Block], name: str, file: str) -> str:
    """Return a config in format ``name``; YAML and TOML with comments, JSON, which has none, without suggestions."""
    if name == "json":
        return json.dumps(_plain(parts), indent=2, ensure_ascii=False) + "\n"
    head = [
        f"# How a model is quantized. Is it right? `quark validate {file}`",
        "# Lines with a # right before the text are suggestions: take the # away.",
    ]
    lines = _yaml_lines(parts) if name == "yaml" else _toml_lines(parts)
    return "\n".join([*head, *lines, ""])


def _plain(parts: Iterable[Line | Block]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for part in parts:
        if part.is_off:
            continue
        if isinstance(part, Line):
            said[part.key] = part.value
        else:
            said[part.key] = {line.key: line.value for line in part.lines if not line.is_off}
    return said


def _yaml_lines(parts: Iterable[Line | Block]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Line):
            yield f"{'#' * part.is_off}{part.key}: {_yaml(part.value)}  # {part.note}"
            continue
        yield from ("", f"# {part.note}", f"{'#' * part.is_off}{part.key}:")
        for index, line in enumerate(part.lines):
            item = ("- " if index == 0 else "  ") if part.is_list else ""
            blank = "" if item.strip() else item
            off = "#" * (part.is_off or line.is_off)
            yield f"  {blank}{off}{item.lstrip()}{line.key}: {_yaml(line.value)}  # {line.note}"


def _yaml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


def _toml_lines(parts: Iterable[Line | Block]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Line):
            yield f"{'#' * part.is_off}{part.key} = {_toml(part.value)}  # {part.note}"
            continue
        name = f"[[{part.key}]]" if part.is_list else f"[{part.key}]"
        yield from ("", f"# {part.note}", f"{'#' * part.is_off}{name}")
        for line in part.lines:
            yield f"{'#' * (part.is_off or line.is_off)}{line.key} = {_toml(line.value)}  # {line.note}"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
