"""The committed schema is fresh, plain draft-07, described throughout, and agrees with the example configs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from quark_core.config.models import QuantConfig
from quark_core.config.schema import ANNOTATIONS, config_schema, published_text, schema_text
from quark_core.registry import Registry, installed
from tests.contract.acme import acme_registry
from tests.contract.examples import INVALID, PUBLISHED, VALID, named_schema, read

MEND = "quark schema --published --out schemas/quark.schema.json"
DRAFT7 = frozenset(jsonschema.Draft7Validator.META_SCHEMA["properties"])
NAMES_BELOW = ("properties", "patternProperties", "definitions")
DATA_BELOW = ("default", "const", "enum", "examples", "required", *ANNOTATIONS)

Schema = dict[str, Any]


@pytest.fixture(scope="module", params=["closed", "open", "acme", "published", "empty"])
def schema(request: pytest.FixtureRequest) -> Schema:
    made: dict[str, Schema] = {
        "closed": config_schema(installed()),
        "open": config_schema(installed(), open_names=True),
        "published": json.loads(PUBLISHED.read_text(encoding="utf-8")),
        "acme": config_schema(acme_registry()),
        "empty": config_schema(Registry()),
    }
    return made[request.param]


def walk(schema: Any, at: str = "#") -> Iterator[tuple[str, Schema]]:
    """Yield every schema in a schema, and where it stands."""
    if isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from walk(item, f"{at}/{index}")
    if not isinstance(schema, dict):
        return
    yield at, schema
    for key, value in schema.items():
        if key in NAMES_BELOW:
            for name, below in value.items():
                yield from walk(below, f"{at}/{key}/{name}")
        elif key not in DATA_BELOW:
            yield from walk(value, f"{at}/{key}")


def test_the_committed_schema_is_fresh() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == published_text(), f"out of date; run: {MEND}"


def test_is_a_schema(schema: Schema) -> None:
    jsonschema.Draft7Validator.check_schema(schema)


def test_only_draft_07_and_declared_annotations(schema: Schema) -> None:
    unknown = {(at, key) for at, node in walk(schema) for key in node if key not in DRAFT7 and key not in ANNOTATIONS}
    assert not unknown


def test_references_lead_somewhere_and_every_definition_is_used(schema: Schema) -> None:
    references = {str(node["$ref"]).removeprefix("#/definitions/") for _, node in walk(schema) if "$ref" in node}
    assert references == set(schema["definitions"])


def test_definitions_have_no_description_of_their_own(schema: Schema) -> None:
    assert not [name for name, node in schema["definitions"].items() if "description" in node]


def test_every_field_has_a_description(schema: Schema) -> None:
    definitions = schema["definitions"]
    owners = [("#", schema), *((name, definitions[name]) for name in ("TensorConfig", "LayerConfig"))]
    # The rules of a device are definitions too, but have no fields.
    owners += [(name, node) for name, node in definitions.items() if "." in name and "properties" in node]
    bare = [
        (owner, name)
        for owner, node in owners
        for name, field in node["properties"].items()
        if field is not True and not field.get("description")
    ]
    assert not bare


def test_every_documented_value_has_words_for_each_editor(schema: Schema) -> None:
    for at, node in walk(schema):
        if "enumDescriptions" not in node:
            continue
        words = node["enumDescriptions"]
        assert len(words) == len(node["enum"]), at
        assert all(words), at
        assert node["x-taplo"]["docs"]["enumValues"] == words, at
        assert list(node["x-intellij-enum-metadata"]) == node["enum"], at


def test_every_field_with_a_vocabulary_documents_it(schema: Schema) -> None:
    tensor = schema["definitions"]["TensorConfig"]["properties"]
    assert "enumDescriptions" in tensor["qscheme"]
    assert "enumDescriptions" in tensor["scale_type"]
    assert "enumDescriptions" in schema["definitions"]["LayerConfig"]["properties"]["skip"]["items"]


def test_the_same_registry_gives_the_same_text() -> None:
    text = schema_text(installed())
    assert text == schema_text(installed())
    assert text.endswith("}\n")
    assert json.loads(text) == config_schema(installed())


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.name)
def test_valid_examples(path: Path, schema: Schema) -> None:
    assert named_schema(path) == PUBLISHED
    QuantConfig.model_validate(read(path))
    if installed_names(schema):
        assert not list(jsonschema.Draft7Validator(schema).iter_errors(read(path)))


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.name)
def test_invalid_examples_have_one_fault(path: Path, schema: Schema) -> None:
    assert named_schema(path) == PUBLISHED
    with pytest.raises(ValidationError) as caught:
        QuantConfig.model_validate(read(path))
    assert caught.value.error_count() == 1
    if installed_names(schema):
        assert len(list(jsonschema.Draft7Validator(schema).iter_errors(read(path)))) == 1


def installed_names(schema: Schema) -> bool:
    """Whether the schema knows any plugin: that of an empty registry takes no dtype at all."""
    return "device.CPU" in schema["definitions"]


def test_an_empty_registry_takes_no_dtype() -> None:
    schema = config_schema(Registry())
    for dtype in ("int8", "", None):
        assert not jsonschema.Draft7Validator(schema).is_valid({"weight": {"dtype": dtype}})
    assert jsonschema.Draft7Validator(schema).is_valid({"version": 1})


@pytest.mark.parametrize("field", ["dtype", "observer", "round_method"])
def test_the_published_schema_takes_any_prefixed_name(field: str) -> None:
    validator = jsonschema.Draft7Validator(json.loads(published_text()))
    tensor = {"dtype": "int8", field: "acme.thing"}
    assert validator.is_valid({"weight": tensor})
    assert not validator.is_valid({"weight": tensor | {field: "thing"}})
    assert not validator.is_valid({"weight": tensor | {field: "acme.thing\n"}})
    assert not validator.is_valid({"device": "IPU", "weight": {"dtype": "int8", field: "acme.thing"}})
    if field != "dtype":
        assert validator.is_valid({"weight": tensor | {field: {"name": "acme.thing", "any": [1]}}})
        assert not validator.is_valid({"weight": tensor | {field: {"name": "thing"}}})


def test_the_published_schema_knows_nothing_of_the_rules_of_unknown_dtypes() -> None:
    validator = jsonschema.Draft7Validator(json.loads(published_text()))
    assert validator.is_valid({"weight": {"dtype": "acme.block", "group_size": 16}})
    assert validator.is_valid({"weight": {"dtype": "acme.block", "qscheme": "per_group"}})
    assert not validator.is_valid({"input": {"dtype": "acme.x", "is_dynamic": True, "observer": "min_max"}})
