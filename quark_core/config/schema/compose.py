"""Puts the JSON Schema together: the fields, the extensions, the rules, the devices."""

from __future__ import annotations

import json
from typing import Any

from quark_core.config.device_rules import device_variants
from quark_core.config.models import QuantConfig
from quark_core.config.rules import Rule
from quark_core.config.schema.choices import Choices
from quark_core.config.schema.conditions import Fields
from quark_core.config.schema.devices import is_variant
from quark_core.config.schema.engines import always, for_every_engine
from quark_core.config.schema.fields import field_schemas
from quark_core.config.schema.keywords import Schema
from quark_core.config.schema.rules import allowed_values, forbidden_fields, offers, pointless_fields, rule_schemas
from quark_core.config.tensor_rules import tensor_rules
from quark_core.plugin.capability import ROLES
from quark_core.plugin.specs import DeviceSpec, DtypeSpec
from quark_core.registry import KINDS, Registry

DIALECT = "http://json-schema.org/draft-07/schema#"
_OPEN = "It knows the plugins that Quark Core ships, and takes every name with a prefix, such as `acme.ema`."
_CLOSED = "It knows the plugins that were installed where it was made, and no others."


def config_schema(registry: Registry, *, open_names: bool = False) -> dict[str, Any]:
    """Return the draft-07 JSON Schema of config files, for the plugins in ``registry``.

    With ``open_names`` every choice also takes a prefixed name, with any options: that of a plugin unknown here.
    """
    choices = Choices(registry, open_names=open_names)
    root, definitions = field_schemas(choices)
    for kind in KINDS:
        if kind != DtypeSpec.kind:
            choices.add_options(kind)
    definitions |= choices.definitions
    fields = Fields(registry, open_names)
    _add_tensors(root, definitions, fields)
    _add_devices(root, definitions, fields)
    root["properties"]["$schema"]["doNotSuggest"] = True
    root["description"] = f"How a model is to be quantized. {_OPEN if open_names else _CLOSED}"
    head = {"$schema": DIALECT, "title": "Quark Core config"}
    return for_every_engine({**head, **root, "definitions": dict(sorted(definitions.items()))})


def schema_text(registry: Registry, *, open_names: bool = False) -> str:
    """Return the schema as the text of a file; the same registry always gives the same text."""
    return json.dumps(config_schema(registry, open_names=open_names), indent=2, ensure_ascii=False) + "\n"


def _add_tensors(root: Schema, definitions: dict[str, Schema], fields: Fields) -> None:
    rules = tensor_rules(fields.registry)
    shared = [rule for rule in rules if not rule.roles]
    by_role = {role: [rule for rule in rules if role in rule.roles] for role in ROLES}
    pointless = {role: pointless_fields(mine, fields) for role, mine in by_role.items()}
    tensor = definitions["TensorConfig"]
    sometimes = forbidden_fields(shared)
    in_roles = [name for name in sometimes if any(name in names for names in pointless.values())]
    everywhere = [name for name in sometimes if name not in in_roles]
    tensor |= always([*offers(shared, tensor["properties"], everywhere, fields), *rule_schemas(shared, fields)])
    for role in ROLES:
        here = [name for name in in_roles if name not in pointless[role]]
        mine = [*offers(shared, tensor["properties"], here, fields), *rule_schemas(by_role[role], fields)]
        # yaml-language-server names a type by its title: with this one, both parts complain in the same words, once.
        definitions[role] = {
            "title": "TensorConfig",
            "type": "object",
            "allOf": [{"$ref": "#/definitions/TensorConfig"}],
            **always(mine),
        }
        for owner in (root, definitions["LayerConfig"]):
            owner["properties"][role]["$ref"] = f"#/definitions/{role}"
    for name in sometimes:
        tensor["properties"][name]["doNotSuggest"] = True


def _add_devices(root: Schema, definitions: dict[str, Schema], fields: Fields) -> None:
    branches = []
    devices = (spec for spec in fields.registry.specs(DeviceSpec.kind).values() if isinstance(spec, DeviceSpec))
    for spec in devices:
        for variant in device_variants(spec, fields.registry):
            if variant.modes:
                branches.append({"if": is_variant(spec, variant), "then": _mode(variant.modes, fields)})
            if variant.rules:
                name = ".".join([spec.name, *(str(value) for _, value in variant.given)])
                roles = _device_roles(name, variant.rules, definitions, fields)
                branches.append({"if": is_variant(spec, variant), "then": _everywhere(roles)})
    root |= always(branches)


def _device_roles(
    device: str, rules: tuple[Rule, ...], definitions: dict[str, Schema], fields: Fields
) -> dict[str, Schema]:
    roles: dict[str, Schema] = {}
    for role in ROLES:
        mine = rule_schemas([rule for rule in rules if role in rule.roles], fields)
        if mine:
            definitions[f"device.{device}.{role}"] = {"allOf": mine}
            roles[role] = {"$ref": f"#/definitions/device.{device}.{role}"}
    return roles


def _everywhere(roles: dict[str, Schema]) -> Schema:
    entry = {"if": {"type": "object"}, "then": {"type": "object", "properties": roles}}
    entries = {"if": {"type": "array"}, "then": {"type": "array", "items": entry}}
    return {"properties": {**roles, "layers": entries}}


def _mode(rule: Rule, fields: Fields) -> Schema:
    modes = rule.allow["mode"]
    verdict = allowed_values("mode", modes, rule, fields)
    if QuantConfig.model_fields["mode"].default in modes:
        return {"properties": {"mode": verdict}}
    return {"properties": {"mode": verdict}, "required": ["mode"], "errorMessage": rule.message}


__all__ = ["config_schema", "schema_text"]
