"""What an option takes, in words, read from the JSON Schema that editors read too."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
_BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}


def allowed(field: Schema, definitions: Schema) -> str:
    """Return ``number >= 0 < 1``, ``one of laplace, gauss`` or ``list of integer``."""
    if "$ref" in field:
        return allowed(definitions[field["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in field:
        return " or ".join(allowed(part, definitions) for part in field["anyOf"])
    if "enum" in field:
        return f"one of {', '.join(map(_plain, field['enum']))}"
    if "const" in field:
        return _plain(field["const"])
    if field.get("type") == "array" and isinstance(field.get("items"), Mapping):
        return " ".join([f"list of {allowed(field['items'], definitions)}", *_items(field)])
    return " ".join([str(field.get("type", "anything")), *_bounds(field)])


def _bounds(field: Schema) -> Iterator[str]:
    yield from (f"{word} {_plain(field[key])}" for key, word in _BOUNDS.items() if key in field)
    if "pattern" in field:
        yield f"matching {field['pattern']}"


def _items(field: Schema) -> Iterator[str]:
    least, most = field.get("minItems"), field.get("maxItems")
    if least is not None or most is not None:
        yield f"({least or 0} to {'any number' if most is None else most} items)"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
