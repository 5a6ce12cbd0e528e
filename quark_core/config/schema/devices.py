"""Tests of a config's device and its options, written as what stands in an ``if``."""

from __future__ import annotations

from typing import Any

from quark_core.config.condition import Value
from quark_core.config.device_rules import Variant
from quark_core.config.models import QuantConfig
from quark_core.config.schema.conditions import HIDDEN, one_of
from quark_core.config.schema.keywords import Schema
from quark_core.plugin.specs import DeviceSpec


def is_variant(spec: DeviceSpec, variant: Variant) -> Schema:
    """Return the test that a config is for ``spec`` under the options of ``variant``."""
    fields = spec.options.model_fields
    defaults = {name: info.get_default(call_default_factory=True) for name, info in fields.items()}
    tests = [_given(name, value, defaults) for name, value in variant.given]
    tests += [_other(name, values, defaults) for name, values in variant.others]
    options: Schema = {"type": "object", "properties": {"name": one_of((spec.name,))}, "required": ["name"]}
    if tests:
        options["allOf"] = tests
    # A bare name has the default of every option.
    device: Schema = {"anyOf": [one_of((spec.name,)), options]} if variant.holds(defaults) else options
    there: Schema = {"properties": {DeviceSpec.kind: {**HIDDEN, **device}}}
    is_default = QuantConfig.model_fields[DeviceSpec.kind].default == spec.name and variant.holds(defaults)
    return there if is_default else {**there, "required": [DeviceSpec.kind]}


def _given(name: str, value: Value, defaults: dict[str, Any]) -> Schema:
    test: Schema = {"type": "object", "properties": {name: one_of((value,))}}
    return test if defaults.get(name) == value else {**test, "required": [name]}


def _other(name: str, values: tuple[Value, ...], defaults: dict[str, Any]) -> Schema:
    test: Schema = {"type": "object", "properties": {name: {**HIDDEN, "not": one_of(values)}}}
    return test if defaults.get(name) not in values else {**test, "required": [name]}
