"""Option models, as the suites make and check them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast, get_args, get_origin

from pydantic import ValidationError

from quark_core.plugin import DeviceSpec, DtypeSpec, ModeSpec, ObserverSpec, Options, RoundingSpec
from quark_core.plugin.specs import Spec

SpecWithOptions = ObserverSpec | RoundingSpec | DeviceSpec | ModeSpec

NEWER_THAN_DRAFT_7 = frozenset(
    ("prefixItems", "dependentSchemas", "dependentRequired", "unevaluatedProperties", "unevaluatedItems", "$dynamicRef")
)
"""Keywords that editors, which read draft-07, pass over in silence."""


def make(spec: SpecWithOptions, given: Mapping[str, Any]) -> Options:
    """Return the options of an extension: what is given, the first of a field's examples, and defaults."""
    fields = spec.options.model_fields.items()
    examples = {f: info.examples[0] for f, info in fields if info.is_required() and info.examples}
    missing = [f for f, info in fields if info.is_required() and f not in {*given, *examples}]
    assert not missing, (
        f"{spec.name} needs options: give `{missing[0]}` a Field(examples=[…]), or set it in the suite's options"
    )
    return spec.options.model_validate({"name": spec.name, **examples, **given})


def variants(spec: Spec) -> Iterator[dict[str, Any]]:
    """Yield options to test a spec with: its defaults, then each other value of an option that has a few, by itself."""
    yield {}
    fields = {} if isinstance(spec, DtypeSpec) else dict(spec.options.model_fields)
    for name, info in fields.items():
        for value in _few(info.annotation) if name != "name" else ():
            if value != info.get_default(call_default_factory=True) and _valid(spec, {name: value}):
                yield {name: value}


def _few(annotation: Any) -> tuple[Any, ...]:
    if annotation is bool:
        return (False, True)
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _valid(spec: Spec, given: Mapping[str, Any]) -> bool:
    # Options may refuse each other; what is missing besides is for the checks to say.
    try:
        make(cast("SpecWithOptions", spec), given)
    except (AssertionError, ValidationError):
        return False
    return True


def takes(options: type[Options], name: str, value: Any) -> bool:
    """Return whether an option can have a value; what else is missing or wrong does not count."""
    try:
        options.model_validate({name: value})
    except ValidationError as error:
        return not any(fault["loc"][:1] == (name,) for fault in error.errors())
    return True


def build(spec: SpecWithOptions, given: Mapping[str, Any]) -> Any:
    """Return the object behind a spec, made as the engine makes it."""
    return spec.impl.load()(make(spec, given))


def newer_keywords(schema: Any) -> Iterator[str]:
    """Yield the keywords in a JSON Schema that draft-07 does not have."""
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            if key in NEWER_THAN_DRAFT_7:
                yield key
            yield from newer_keywords(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from newer_keywords(value)


_BOUNDS = frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "enum", "const"))


def numbers_without_bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the properties in a JSON Schema, below ``$defs`` too, that take any number."""
    for name, node in schema.get("properties", {}).items():
        parts = [node, node.get("items", {}), *node.get("anyOf", ())]
        if any(part.get("type") in ("integer", "number") and not _BOUNDS & set(part) for part in parts):
            yield name
    for definition in schema.get("$defs", {}).values():
        yield from numbers_without_bounds(definition)
