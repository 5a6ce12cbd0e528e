"""The models' own schema: every field with its words, choices and vocabularies written out."""

from __future__ import annotations

from quark_core.config.models import ONE_OR_MANY, QuantConfig
from quark_core.config.patterns import PATTERN
from quark_core.config.schema.choices import Choices
from quark_core.config.schema.draft7 import DEFS, raw_schema, rewrite
from quark_core.config.schema.keywords import WORDS, Schema, documented

_ONE = "Write an exact name, glob:…, re:… or type:…"
_MANY = f"{_ONE}, or a list of these."


def field_schemas(choices: Choices) -> tuple[Schema, dict[str, Schema]]:
    """Return the schema of a whole config, and those of its parts by name."""
    root, parts = raw_schema(QuantConfig)
    vocabularies = {name: part for name, part in parts.items() if "enum" in part}

    def change(node: Schema) -> Schema:
        return _default(_one_or_many(_pattern(choices.write(_words(_reference(node, parts, vocabularies))))))

    definitions = {name: rewrite(part, change) for name, part in parts.items() if name not in vocabularies}
    for definition in definitions.values():
        # In VS Code and taplo the words on a shared definition hide those on the field.
        definition.pop("description", None)
    return rewrite(root, change), definitions


def _reference(node: Schema, parts: dict[str, Schema], vocabularies: dict[str, Schema]) -> Schema:
    name = str(node.get("$ref", "")).removeprefix(DEFS)
    if name not in parts:
        return node
    # pydantic leaves a field's words out where they are those of its class.
    words = {"description": parts[name]["description"], **{k: v for k, v in node.items() if k != "$ref"}}
    if name in vocabularies:
        return {**words, "enum": vocabularies[name]["enum"]}
    # In the items of a list there is no field to describe.
    return {**(words if "description" in node or "default" in node else {}), "$ref": f"#/definitions/{name}"}


def _words(node: Schema) -> Schema:
    if "enum" not in node or "enumDescriptions" in node:
        return node
    kept = {key: value for key, value in node.items() if key != "type"}
    return {**kept, **documented((name, WORDS[name]) for name in node["enum"])}


def _pattern(node: Schema) -> Schema:
    return {**node, "errorMessage": _ONE} if node.get("pattern") == PATTERN else node


def _one_or_many(node: Schema) -> Schema:
    if ONE_OR_MANY not in node:
        return node
    words: Schema = {key: node[key] for key in ("description", "examples") if key in node}
    many: Schema = {"type": "array", **{key: node[key] for key in ("items", "minItems")}}
    one = {**node["items"], "errorMessage": _MANY}
    return {**words, "if": {"type": "array"}, "then": many, "else": one}


def _default(node: Schema) -> Schema:
    # With an empty list as default, editors insert `[]` where a list is to be begun.
    return {key: value for key, value in node.items() if (key, value) != ("default", [])}
