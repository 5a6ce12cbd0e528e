"""Conditions of rules, written as what stands in an ``if``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from quark_core.config.condition import AllOf, AnyOf, Condition, Is, Not, Value
from quark_core.config.rules import CHOICE_FIELDS, TENSOR_DEFAULTS, defaults_for
from quark_core.config.scaling import ScaleDtype, ScaleRule
from quark_core.config.schema.keywords import Schema
from quark_core.config.type import QSchemeType, ScaleType
from quark_core.registry import Registry

Names = tuple[str, ...]

_VOCABULARIES: dict[str, type[Enum]] = {
    "qscheme": QSchemeType,
    "scale_type": ScaleType,
    "scale_rule": ScaleRule,
    "scale_dtype": ScaleDtype,
}


HIDDEN: Schema = {"doNotSuggest": True}
"""On what a rule says of a field, which VS Code would take for a reason to suggest the field."""


@dataclass(frozen=True)
class Fields:
    """What fields of a tensor config can hold, and what they count as when they are left out."""

    registry: Registry
    open_names: bool = False
    """Whether a prefixed name that is not in the registry is taken too."""

    def values(self, name: str) -> tuple[Value, ...] | None:
        """Return every known value of a field; None where there is no end of them."""
        if name == "dtype":
            return tuple(self.registry.dtypes())
        if name in CHOICE_FIELDS:
            return tuple(self.registry.specs(CHOICE_FIELDS[name]))
        if name in _VOCABULARIES:
            return tuple(str(member.value) for member in _VOCABULARIES[name])
        return (False, True) if isinstance(TENSOR_DEFAULTS.get(name), bool) else None

    def default_among(self, name: str, values: Sequence[Value], dtypes: Names) -> Names | bool:
        """Return for which of ``dtypes`` a field's default is one of ``values``; True for all, False for none."""
        if name not in TENSOR_DEFAULTS:
            return False
        known = self.registry.dtypes()
        among = tuple(dtype for dtype in dtypes if defaults_for(known[dtype])[name] in values)
        if len(among) < len(dtypes):
            return among or False
        return bool(dtypes) or TENSOR_DEFAULTS[name] in values

    def dtypes(self, within: Sequence[Condition] = ()) -> Names:
        """Return the known dtypes that ``within``, all of which hold, leave possible."""
        tests = [part.values for part in within if isinstance(part, Is) and part.field == "dtype"]
        return tuple(dtype for dtype in self.registry.dtypes() if all(dtype in values for values in tests))


def settle(condition: Condition, fields: Fields) -> Condition:
    """Return ``condition`` without negations where a field's values can be counted.

    It then holds only of values that are valid in themselves, so a misspelt one is reported once.
    """
    if isinstance(condition, AllOf):
        return AllOf(tuple(settle(part, fields) for part in condition.parts))
    if isinstance(condition, AnyOf):
        return AnyOf(tuple(settle(part, fields) for part in condition.parts))
    if not isinstance(condition, Not):
        return condition
    inner = condition.part
    if isinstance(inner, Is):
        every = fields.values(inner.field)
        return condition if every is None else Is(inner.field, tuple(v for v in every if v not in inner.values))
    return settle(push(inner), fields)


def push(inner: Condition) -> Condition:
    """Return the opposite of ``inner``, with the negation on its parts."""
    if isinstance(inner, Not):
        return inner.part
    if isinstance(inner, AllOf):
        return AnyOf(tuple(Not(part) for part in inner.parts))
    if isinstance(inner, AnyOf):
        return AllOf(tuple(Not(part) for part in inner.parts))
    return Not(inner)


def write(condition: Condition, fields: Fields, dtypes: Names | None = None) -> Schema | bool:
    """Return a schema that an object meets when the condition holds of it, given that its dtype is in ``dtypes``."""
    dtypes = fields.dtypes() if dtypes is None else dtypes
    if isinstance(condition, Is):
        return _is(condition, fields, dtypes)
    if isinstance(condition, Not):
        inner = write(condition.part, fields, dtypes)
        return not inner if isinstance(inner, bool) else {"not": inner}
    # What one part says of the dtype makes the others simpler: fewer defaults are possible.
    every = isinstance(condition, AllOf)
    said = fields.dtypes(condition.parts) if every else _not_said(condition.parts, dtypes)
    left = tuple(dtype for dtype in dtypes if dtype in said)
    parts = [write(part, fields, dtypes if _about_dtype(part) else left) for part in condition.parts]
    if (not every) in parts:
        return not every
    schemas = [part for part in parts if not isinstance(part, bool)]
    if len(schemas) < 2:
        return schemas[0] if schemas else every
    return _merged(schemas) if every else {"anyOf": schemas}


def _about_dtype(condition: Condition) -> bool:
    return isinstance(condition, Is) and condition.field == "dtype"


def _not_said(parts: Sequence[Condition], dtypes: Names) -> Names:
    named = {value for part in parts if isinstance(part, Is) and part.field == "dtype" for value in part.values}
    return tuple(dtype for dtype in dtypes if dtype not in named)


def _merged(schemas: list[Schema]) -> Schema:
    # One object with all the properties reads better than an allOf; it can be made when no property stands twice.
    names = [name for schema in schemas for name in schema.get("properties", {})]
    if len(names) != len(set(names)) or any(schema.keys() - {"properties", "required"} for schema in schemas):
        return {"allOf": schemas}
    required = [name for schema in schemas for name in schema.get("required", [])]
    properties = {name: test for schema in schemas for name, test in schema["properties"].items()}
    return {"properties": properties, **({"required": required} if required else {})}


def _is(condition: Is, fields: Fields, dtypes: Names) -> Schema | bool:
    name, values = condition.field, condition.values
    if not values:
        return False
    test = named(values) if name in CHOICE_FIELDS else one_of(values)
    there: Schema = {"properties": {name: test}, "required": [name]}
    default = fields.default_among(name, values, dtypes)
    if default is True:
        return {"properties": {name: test}}
    if default is False:
        return there
    # The default follows the dtype: left out counts for these dtypes only.
    left_out = {"properties": {name: False, "dtype": one_of(default)}, "required": ["dtype"]}
    return {"anyOf": [there, left_out]}


def one_of(values: Sequence[Value]) -> Schema:
    """Return the test that a value is one of ``values``."""
    known = [list(value) if isinstance(value, tuple) else value for value in values]
    return {**HIDDEN, **({"const": known[0]} if len(known) == 1 else {"enum": known})}


def named(names: Sequence[Value]) -> Schema:
    """Return the test that a choice, a name or options with a name, is one of ``names``."""
    options = {"type": "object", "properties": {"name": one_of(names)}, "required": ["name"]}
    return {**HIDDEN, "anyOf": [one_of(names), options]}
