"""Shapes that some engine needs, checked in the schema itself: tombi's is not among the engines that run here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.editor.schemas import schemas

DATA = ("default", "const", "enum", "examples", "required", "x-taplo", "x-intellij-enum-metadata")
NAMED = ("properties", "patternProperties", "definitions")


def nodes(schema: Any, at: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema in a schema that is no true or false, and where it stands."""
    if isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from nodes(item, f"{at}/{index}")
    elif isinstance(schema, dict):
        yield at, schema
        for key, value in schema.items():
            below = value.items() if key in NAMED else () if key in DATA else ((None, value),)
            for name, part in below:
                yield from nodes(part, f"{at}/{key}" if name is None else f"{at}/{key}/{name}")


@pytest.fixture(scope="module", params=["bundled", "published", "acme", "many"])
def schema(request: pytest.FixtureRequest) -> dict[str, Any]:
    made: dict[str, dict[str, Any]] = schemas()
    return made[request.param]


def test_every_object_says_whether_it_is_open(schema: dict[str, Any]) -> None:
    """Tombi warns of every key of an object that does not say so, conditions included."""
    unsaid = [
        at
        for at, node in nodes(schema)
        if ("properties" in node or node.get("type") == "object") and "additionalProperties" not in node
    ]
    assert unsaid == []
