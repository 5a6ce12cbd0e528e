"""Runs the rules beside pydantic's own checks, so that one run reports every fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import ModelWrapValidatorHandler, ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from quark_core.config.condition import plain
from quark_core.config.device_rules import device_rules
from quark_core.config.rules import Rule, defaults_for
from quark_core.config.tensor_rules import tensor_rules
from quark_core.config.type import DeviceType, QuantizationMode
from quark_core.plugin.capability import ROLES
from quark_core.plugin.options import Options
from quark_core.plugin.specs import DeviceSpec
from quark_core.registry import Registry, current

T = TypeVar("T")
Loc = tuple[str | int, ...]
Faults = Iterator[tuple[Loc, Rule, str, Any]]
"""Where, which rule, which field of the object breaks it, and what it holds."""


def validate_with(
    data: Any, handler: ModelWrapValidatorHandler[T], check: Callable[[Mapping[str, Any], frozenset[Loc]], Faults]
) -> T:
    """Validate ``data`` with pydantic and with ``check``; raise one ValidationError with the faults of both."""
    errors: list[InitErrorDetails] = []
    made: list[T] = []
    title = "config"
    try:
        made.append(handler(data))
    except ValidationError as error:
        title = error.title
        errors = [_again(details) for details in error.errors(include_url=False)]
    if isinstance(data, Mapping):
        wrong = frozenset(tuple(e["loc"]) for e in errors)
        errors += [_broken(*fault) for fault in check(data, wrong)]
    if errors:
        raise ValidationError.from_exception_data(title, errors)
    return made[0]


def _again(details: ErrorDetails) -> InitErrorDetails:
    # pydantic offers no way to raise a caught error again beside others, but to describe it anew.
    context = {key: value for key, value in details.get("ctx", {}).items() if key != "error"}
    error = PydanticCustomError(details["type"], "{text}", {**context, "text": details["msg"]})
    return InitErrorDetails(type=error, loc=tuple(details["loc"]), input=details["input"])


def _broken(loc: Loc, rule: Rule, name: str, value: Any) -> InitErrorDetails:
    context = {"text": rule.message, "code": rule.code, "field": name, "fix": rule.fix(name, value)}
    error = PydanticCustomError("rule", "{text}", context)
    return InitErrorDetails(type=error, loc=loc, input=value)


def check_tensor(data: Mapping[str, Any], wrong: frozenset[Loc]) -> Faults:
    """Yield what breaks the rules that hold for a tensor in any role."""
    registry = current()
    rules = [rule for rule in tensor_rules(registry) if not rule.roles]
    return _apply(rules, data, (), wrong, registry)


def check_roles(data: Mapping[str, Any], wrong: frozenset[Loc]) -> Faults:
    """Yield what breaks the rules of one role, in an object that has ``weight``, ``input``, ``output`` and ``bias``."""
    registry = current()
    rules = [rule for rule in tensor_rules(registry) if rule.roles]
    return _by_role(rules, data, (), wrong, registry)


def check_device(data: Mapping[str, Any], wrong: frozenset[Loc]) -> Faults:
    """Yield what the config's device does not take, at the root and in every entry of ``layers``."""
    registry = current()
    said = data.get("device", DeviceType.CPU.value)
    device = registry.specs(DeviceSpec.kind).get(str(plain(said)))
    if not isinstance(device, DeviceSpec) or any(loc[:1] == ("device",) for loc in wrong):
        return
    rules, modes = device_rules(device, registry, _options(device, said))
    if modes is not None and not any(loc[:1] == ("mode",) for loc in wrong):
        defaults = {"mode": QuantizationMode.eager_mode.value}
        for name, present in modes.broken({k: v for k, v in data.items() if k == "mode"}, defaults):
            # A mode that was left out is missing because of the device.
            yield (name if present else "device",), modes, name, data.get(name)
    yield from _by_role(rules, data, (), wrong, registry)
    layers = data.get("layers", ())
    for index, entry in enumerate(layers if isinstance(layers, list | tuple) else ()):
        yield from _by_role(rules, _fields(entry), ("layers", index), wrong, registry)


def _options(device: DeviceSpec, said: Any) -> dict[str, Any]:
    """Return the values of a device's options, defaults filled in; ``said`` is a name, options or what a file has."""
    given = dict(said) if isinstance(said, Mapping | Options) else {}
    fields = device.options.model_fields.items()
    defaults = {name: info.get_default(call_default_factory=True) for name, info in fields if not info.is_required()}
    return {**defaults, **given}


def _by_role(
    rules: list[Rule] | tuple[Rule, ...], data: Mapping[str, Any], at: Loc, wrong: frozenset[Loc], registry: Registry
) -> Faults:
    for role in ROLES:
        if role in data:
            mine = [rule for rule in rules if role in rule.roles]
            yield from _apply(mine, _fields(data[role]), (*at, role), wrong, registry)


def _fields(value: Any) -> Mapping[str, Any]:
    # Python users pass model objects where files have mappings.
    if isinstance(value, Mapping):
        return value
    given: frozenset[str] = frozenset(getattr(value, "model_fields_set", ()))
    return {name: getattr(value, name) for name in given}


def _apply(rules: list[Rule], data: Mapping[str, Any], at: Loc, wrong: frozenset[Loc], registry: Registry) -> Faults:
    defaults = defaults_for(registry.dtypes().get(str(data.get("dtype"))))
    bad = {loc[len(at)] for loc in wrong if len(loc) > len(at) and loc[: len(at)] == at}
    for rule in rules:
        if rule.reads() & bad or not data:
            continue
        for name, present in rule.broken(data, defaults):
            loc = (*at, name) if present or name in rule.require else at
            yield loc, rule, name, data.get(name)
