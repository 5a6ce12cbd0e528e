"""What pydantic writes, turned into plain draft-07."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from quark_core.config.schema.keywords import ANNOTATIONS, Schema

DEFS = "#/$defs/"
"""Where pydantic's references point; what is written out points into ``#/definitions/``."""

_NAMED = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
"""Keywords whose keys are names that users chose, not keywords."""

_DATA = ("default", "const", "enum", "examples", *ANNOTATIONS)
"""Keywords that hold values, not schemas."""


class _Generate(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


def raw_schema(model: type[BaseModel]) -> tuple[Schema, dict[str, Schema]]:
    """Return the schema of ``model`` and of the models below it, as draft-07 with references into ``#/$defs``."""
    schema = model.model_json_schema(mode="validation", by_alias=True, schema_generator=_Generate)
    plain = rewrite(schema, _draft7)
    definitions: dict[str, Schema] = plain.pop("$defs", {})
    for definition in (plain, *definitions.values()):
        definition.pop("title", None)
    return plain, definitions


def rewrite(node: Any, change: Callable[[Schema], Schema]) -> Any:
    """Return ``node`` with ``change`` applied to every schema in it, the innermost first."""
    if isinstance(node, list):
        return [rewrite(item, change) for item in node]
    if not isinstance(node, Mapping):
        return node
    return change({key: _below(key, value, change) for key, value in node.items()})


def _below(key: str, value: Any, change: Callable[[Schema], Schema]) -> Any:
    if key in _DATA:
        return value
    if key in _NAMED:
        return {name: rewrite(schema, change) for name, schema in value.items()}
    return rewrite(value, change)


def _draft7(schema: Schema) -> Schema:
    # `discriminator` and `deprecated` came after draft-07; the first only repeats what oneOf says.
    schema = {key: value for key, value in schema.items() if key not in ("discriminator", "deprecated")}
    if "prefixItems" in schema:
        # A list of item schemas was called `items` before 2020-12, and what follows them `additionalItems`.
        rest = schema.pop("items", None)
        schema["items"] = schema.pop("prefixItems")
        if rest is not None:
            schema["additionalItems"] = rest
    return schema
