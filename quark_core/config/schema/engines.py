"""Shapes that mean nothing more in JSON Schema, but without which some editor's engine shows too little or too much."""

from __future__ import annotations

from quark_core.config.schema.draft7 import rewrite
from quark_core.config.schema.keywords import Schema

_BELOW = "#/definitions/"


def always(branches: list[Schema]) -> Schema:
    """Return keywords by which an object meets each of ``branches``, to stand beside its ``properties``.

    A plain ``allOf`` there says the same, but taplo offers no key of an object that has one.
    """
    return {"if": {"type": "object"}, "then": {"type": "object", "allOf": branches}} if branches else {}


def for_every_engine(schema: Schema) -> Schema:
    """Return ``schema`` with what tombi and taplo need said where JSON Schema has a default or forbids the words."""
    opened: Schema = rewrite(schema, _opened)
    words = _words_on_references(opened)
    for name, text in words.items():
        # taplo reads nothing that stands beside a reference; the words of the field go where it leads.
        opened["definitions"][name]["x-taplo"] = {"docs": {"main": text}}
    return opened


def _opened(node: Schema) -> Schema:
    # tombi takes an object that does not say so for closed, even in a condition, and warns of every key in it.
    about_objects = "properties" in node or node.get("type") == "object"
    return {**node, "additionalProperties": True} if about_objects and "additionalProperties" not in node else node


def _words_on_references(schema: Schema) -> dict[str, str]:
    """Return the words on the fields that refer to a definition, where all that refer to it have the same."""
    said: dict[str, set[str]] = {}

    def note(node: Schema) -> Schema:
        if "$ref" in node and "description" in node:
            said.setdefault(node["$ref"].removeprefix(_BELOW), set()).add(node["description"])
        return node

    rewrite(schema, note)
    return {name: texts.pop() for name, texts in said.items() if len(texts) == 1}
