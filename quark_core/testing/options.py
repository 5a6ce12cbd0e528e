"""Option models, as the suites make and check them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from quark_core.plugin import DeviceSpec, ModeSpec, ObserverSpec, Options, RoundingSpec

SpecWithOptions = ObserverSpec | RoundingSpec | DeviceSpec | ModeSpec

NEWER_THAN_DRAFT_7 = frozenset(
    ("prefixItems", "dependentSchemas", "dependentRequired", "unevaluatedProperties", "unevaluatedItems", "$dynamicRef")
)
"""Keywords that editors, which read draft-07, pass over in silence."""


def make(spec: SpecWithOptions, given: Mapping[str, Any]) -> Options:
    """Return the options of an extension: what is given, and defaults."""
    missing = [f for f, info in spec.options.model_fields.items() if info.is_required() and f not in given]
    assert not missing, f"{spec.name} needs options: set `{missing[0]}` in the suite's options"
    return spec.options.model_validate({"name": spec.name, **given})


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
