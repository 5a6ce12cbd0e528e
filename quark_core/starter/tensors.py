"""Finds the tensor config that a device takes and that a person would most likely want."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from quark_core.config.condition import Value
from quark_core.config.device_rules import Variant
from quark_core.config.rules import Rule, defaults_for
from quark_core.config.tensor_rules import tensor_rules
from quark_core.config.type import QSchemeType, ScaleType
from quark_core.plugin.formats import CodebookFormat, IntFormat
from quark_core.plugin.specs import DtypeSpec, RoundingSpec
from quark_core.registry import Registry, needs_options

Tensor = dict[str, Any]
"""Fields of a tensor config, only those that differ from their defaults."""

_BYTE = 8
_USUAL_GROUPS = (128, 64, 32)


def find_tensor(
    role: str, dtypes: Sequence[DtypeSpec], variant: Variant, registry: Registry, **fixed: Any
) -> Tensor | None:
    """Return the first config for ``role`` that breaks no rule, or None; dtypes that come first are preferred."""
    rules = [rule for rule in (*tensor_rules(registry), *variant.rules) if not rule.roles or role in rule.roles]
    taken = [
        spec for spec in dtypes if _fits({"dtype": spec.name}, spec, [rule for rule in rules if "dtype" in rule.allow])
    ]
    found = (t for spec in taken for t in _candidates(role, spec, rules, registry) if _fits(t | fixed, spec, rules))
    tensor = next(found, None)
    return None if tensor is None else _completed(role, tensor | fixed)


def activation_dtypes(weight: DtypeSpec, registry: Registry) -> list[DtypeSpec]:
    """Return dtypes for activations beside weights in ``weight``, the likeliest first.

    Beside integers and codebooks of at most 8 bits these are 8-bit integers, unsigned ones first, which spend no code
    on values that a ReLU never gives; other formats stay among themselves.
    """
    if not isinstance(weight.format, IntFormat | CodebookFormat) or weight.format.bits > _BYTE:
        return [weight]
    eight = [s for s in registry.dtypes().values() if isinstance(s.format, IntFormat) and s.format.bits == _BYTE]
    return [*sorted(eight, key=lambda s: isinstance(s.format, IntFormat) and s.format.signed), weight]


def _candidates(role: str, spec: DtypeSpec, rules: Sequence[Rule], registry: Registry) -> Iterator[Tensor]:
    if not spec.scaled or spec.is_block:
        yield from ({"dtype": spec.name, **rounding} for rounding in _roundings(registry))
        return
    schemes: list[Tensor] = [{"qscheme": QSchemeType.per_tensor.value}, {"qscheme": QSchemeType.per_channel.value}]
    if role == "weight":
        schemes = [*reversed(schemes), *_groups(rules)]
    # Unsigned codes around a zero point of 0 would lose every negative value, even where a device takes them.
    unsigned = isinstance(spec.format, IntFormat) and not spec.format.signed
    signs: list[Tensor] = [{"symmetric": False}] if unsigned else [{}, {"symmetric": False}]
    scales: list[Tensor] = [{"scale_type": scale.value} for scale in ScaleType]
    stored: list[Tensor] = [{}, *({"scale_dtype": value} for value in _said(rules, "scale_dtype"))]
    for scale, store, rounding, scheme, sign in product(scales, stored, _roundings(registry), schemes, signs):
        given = {"dtype": spec.name, **scheme, **sign, **scale, **store, **rounding}
        yield {name: value for name, value in given.items() if defaults_for(spec).get(name) != value}


def _groups(rules: Sequence[Rule]) -> list[Tensor]:
    """Return the group sizes that ``rules`` speak of, behind those that are usual."""
    sizes = dict.fromkeys([*_USUAL_GROUPS, *_said(rules, "group_size")])
    return [{"qscheme": QSchemeType.per_group.value, "group_size": size} for size in sizes]


def _said(rules: Sequence[Rule], name: str) -> list[Value]:
    return list(dict.fromkeys(value for rule in rules for value in rule.allow.get(name, ())))


def _roundings(registry: Registry) -> list[Tensor]:
    specs = [spec for spec in registry.specs(RoundingSpec.kind).values() if not needs_options(spec)]
    return [{}, *({"round_method": spec.name} for spec in specs)]


def _fits(tensor: Tensor, spec: DtypeSpec, rules: Sequence[Rule]) -> bool:
    return not any(True for rule in rules for _ in rule.broken(tensor, defaults_for(spec)))


def _completed(role: str, tensor: Tensor) -> Tensor:
    # A bias has few values: a power of two that is rounded down clips the largest, which costs much.
    if role == "bias" and tensor.get("scale_type") == ScaleType.pof2.value:
        return {**tensor, "scale_rule": "ceil"}
    return tensor
