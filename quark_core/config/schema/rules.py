"""Rules, written as ``if`` and ``then``, with the rule's own message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from quark_core.config.condition import AllOf, AnyOf, Condition, Is, Not, Value
from quark_core.config.rules import CHOICE_FIELDS, Rule
from quark_core.config.schema.choices import PREFIXED
from quark_core.config.schema.conditions import HIDDEN, Fields, Names, one_of, push, settle, write
from quark_core.config.schema.keywords import Schema

_WELL_FORMED: dict[str, Schema] = {
    "group_size": {"type": "integer", "minimum": 1},
    "block_size": {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 2, "maxItems": 2},
}
"""What is right in itself, of the fields that have no end of values."""

_TEXT = ("description", "examples", "default")


def rule_schemas(rules: Iterable[Rule], fields: Fields) -> list[Schema]:
    """Return what a tensor config must meet for ``rules`` to hold."""
    return [schema for rule in rules for schema in _rule(rule, fields)]


def _rule(rule: Rule, fields: Fields) -> Iterator[Schema]:
    when = settle(rule.when, fields)
    # `true` beside `required` keeps strict validators from asking where the property is described.
    properties: Schema = {**dict.fromkeys(rule.require, True), **dict.fromkeys(rule.forbid, False)}
    required = list(rule.require)
    for name, allowed in rule.allow.items():
        properties[name] = allowed_values(name, allowed, rule, fields)
        bad = _bad_defaults(name, allowed, when, fields) if rule.absent_is_default else False
        if bad is True:
            required.append(name)
        elif bad:
            yield from _guarded(AllOf((when, Is("dtype", bad))), _then({name: True}, [name], rule), fields)
    yield from _guarded(when, _then(properties, required, rule), fields)


def _then(properties: Schema, required: list[str], rule: Rule) -> Schema:
    # The message here is that of fields which must be there or must not; a field with a wrong value has its own.
    message = {"errorMessage": rule.message} if required or False in properties.values() else {}
    return {"properties": properties, **({"required": required} if required else {}), **message}


def _guarded(when: Condition, then: Schema, fields: Fields) -> Iterator[Schema]:
    condition = write(when, fields)
    if condition is not False:
        yield _branch(condition, then)


def _branch(condition: Schema | bool, then: Schema) -> Schema:
    # Strict validators want a type beside `properties`. It stands inside, since a type that is no part of the
    # condition would be one more complaint about a value that is no object.
    test = condition if isinstance(condition, dict) else {}
    return {"if": {"type": "object", **test}, "then": {"type": "object", **then}}


def _bad_defaults(name: str, allowed: Sequence[Value], when: Condition, fields: Fields) -> Names | bool:
    """Return for which of the dtypes that ``when`` is about a field left out breaks the rule; True for all."""
    dtypes = fields.dtypes(when.parts if isinstance(when, AllOf) else (when,))
    good = fields.default_among(name, allowed, dtypes)
    return not good if isinstance(good, bool) else tuple(dtype for dtype in dtypes if dtype not in good)


def allowed_values(name: str, allowed: Sequence[Value], rule: Rule, fields: Fields) -> Schema | bool:
    """Return what field ``name`` must meet to have one of the values that ``rule`` allows it."""
    if not allowed:
        return False
    wrong = _wrong(name, allowed, fields)
    if wrong is None:
        return True
    # What a rule says of a field is no reason to suggest the field.
    verdict = {"if": wrong, "then": {**one_of(allowed), "errorMessage": rule.message}}
    if name not in CHOICE_FIELDS:
        return {**HIDDEN, **verdict}
    options = {"type": "object", "properties": {"name": {**HIDDEN, **verdict}}}
    return {**HIDDEN, "if": {"type": "object"}, "then": options, "else": verdict}


def _wrong(name: str, allowed: Sequence[Value], fields: Fields) -> Schema | None:
    # A value that is wrong in itself is reported by the field's own schema, and only there.
    every = fields.values(name)
    if every is None:
        return _WELL_FORMED[name]
    bad = [value for value in every if value not in allowed]
    tests = [one_of(bad)] if bad else []
    if fields.open_names and (name == "dtype" or name in CHOICE_FIELDS):
        tests.append({"type": "string", "pattern": PREFIXED})
    if len(tests) < 2:
        return tests[0] if tests else None
    return {"anyOf": tests}


def offers(rules: Sequence[Rule], properties: Schema, names: Iterable[str], fields: Fields) -> list[Schema]:
    """Return the branches in which editors offer fields that only apply sometimes.

    Such a field is described in full, but not suggested, where it always stands; the branch repeats its text.
    """
    branches: list[Schema] = []
    for name in names:
        forbidden = tuple(rule.when for rule in rules if name in rule.forbid)
        condition = write(_unfold(Not(AnyOf(forbidden))), fields)
        text = {key: properties[name][key] for key in _TEXT if key in properties[name]}
        branches.append(_branch(condition, {"properties": {name: text}}))
    return branches


def _unfold(condition: Condition) -> Condition:
    # Negations end up on single tests, which a field that is still to be written passes.
    if isinstance(condition, AllOf):
        return AllOf(tuple(_unfold(part) for part in condition.parts))
    if isinstance(condition, AnyOf):
        return AnyOf(tuple(_unfold(part) for part in condition.parts))
    if isinstance(condition, Not) and not isinstance(condition.part, Is):
        return _unfold(push(condition.part))
    return condition


def forbidden_fields(rules: Iterable[Rule]) -> list[str]:
    """Return every field that some rule forbids, in order."""
    return list(dict.fromkeys(name for rule in rules for name in rule.forbid))


def pointless_fields(rules: Iterable[Rule], fields: Fields) -> frozenset[str]:
    """Return the fields that can only ever have their default, so that nobody need be offered them."""
    return frozenset(
        name
        for rule in rules
        if rule.when == AllOf(())
        for name, allowed in rule.allow.items()
        if len(allowed) == 1 and fields.default_among(name, allowed, fields.dtypes()) is True
    )
