"""A device's capabilities, written as the same kind of rules as everything else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from quark_core.config.condition import AllOf, Condition, Is, Not, Value
from quark_core.config.rules import Rule, join_words
from quark_core.config.type import QSchemeType, ScaleType
from quark_core.plugin.capability import ROLES, Capability, When, holds
from quark_core.plugin.specs import DeviceSpec, DtypeSpec
from quark_core.registry import Registry


@dataclass(frozen=True)
class Variant:
    """A device under those of its options on which its capabilities depend, and what it then demands."""

    given: tuple[tuple[str, Value], ...]
    """Options and their values; an option that is in ``others`` instead has none of the values there."""
    others: tuple[tuple[str, tuple[Value, ...]], ...]
    rules: tuple[Rule, ...]
    """What it demands of the tensors in each role; none when it takes everything."""
    modes: Rule | None
    """Which modes it works with; None for every mode."""

    def holds(self, options: Mapping[str, Any]) -> bool:
        """Return whether ``options``, with their defaults, are those of this variant."""
        return all(options.get(name) == value for name, value in self.given) and not any(
            options.get(name) in values for name, values in self.others
        )


def device_variants(spec: DeviceSpec, registry: Registry) -> tuple[Variant, ...]:
    """Return what ``spec`` demands under its options; any options are those of exactly one variant."""
    return registry.derived(("device_variants", spec), lambda: tuple(_variants(spec, registry)))


def device_rules(
    spec: DeviceSpec, registry: Registry, options: Mapping[str, Any]
) -> tuple[tuple[Rule, ...], Rule | None]:
    """Return what ``spec`` demands of tensors and of the mode under ``options``, by name, defaults filled in."""
    variants = device_variants(spec, registry)
    return next(((v.rules, v.modes) for v in variants if v.holds(options)), ((), None))


def _variants(spec: DeviceSpec, registry: Registry) -> Iterator[Variant]:
    named: dict[str, dict[Value, None]] = {}
    for when in (*(row.when for row in spec.capabilities or ()), *(limit.when for limit in spec.modes)):
        for name, values in when.items():
            named.setdefault(name, {}).update(dict.fromkeys(values))
    for chosen in product(*([*values, _OTHER] for values in named.values())):
        options = dict(zip(named, chosen, strict=True))
        given = tuple((name, value) for name, value in options.items() if value is not _OTHER)
        others = tuple((name, tuple(named[name])) for name, value in options.items() if value is _OTHER)
        yield Variant(given, others, tuple(_rules(spec, options, given, registry)), _modes(spec, options, given))


_OTHER: Any = object()
"""A value that no capability names."""

Given = tuple[tuple[str, Value], ...]


def _called(spec: DeviceSpec, given: Given, whens: Iterable[When]) -> str:
    """Return what messages call the device: with those of its options on which ``whens`` depend."""
    named = {name for when in whens for name in when}
    words = " and ".join(f"{name} {join_words([value])}" for name, value in given if name in named)
    return f"{spec.name} with {words}" if words else spec.name


def _modes(spec: DeviceSpec, options: Mapping[str, Any], given: Given) -> Rule | None:
    name = _called(spec, given, (limit.when for limit in spec.modes))
    limits = [limit.modes for limit in spec.modes if holds(limit.when, options)]
    if not limits:
        return None
    modes = tuple(mode for mode in limits[0] if all(mode in limit for limit in limits))
    message = f"{name} works with mode {join_words(modes, 'or')} only."
    return Rule(message, allow={"mode": modes}, absent_is_default=True, code="device_mode")


def _rules(spec: DeviceSpec, options: Mapping[str, Any], given: Given, registry: Registry) -> Iterator[Rule]:
    rows = spec.rows(options)
    for role in ROLES if rows is not None else ():
        name = _called(spec, given, (row.when for row in spec.capabilities or () if role in row.roles))
        yield from _role(name, role, [row for row in rows or () if role in row.roles], registry)


def _role(name: str, role: str, rows: list[Capability], registry: Registry) -> Iterator[Rule]:
    dtypes = tuple(dict.fromkeys(dtype for row in rows for dtype in row.dtypes))
    takes = f"dtype {join_words(dtypes, 'or')}" if dtypes else "in floating point only: leave it out"
    yield Rule(f"{name} takes {role} {takes}.", allow={"dtype": dtypes}, roles=(role,), code="device_dtype")
    known = registry.dtypes()
    # Operators are known only with a model, so that a field may have what any of the rows takes.
    demands: dict[tuple[str, tuple[Value, ...]], list[str]] = {}
    for dtype in dtypes:
        mine = [limits(row) for row in rows if dtype in row.dtypes]
        for field in mine[0]:
            allowed = _either([row[field] for row in mine])
            # What the dtype or the role fixes already needs no word from the device.
            fixed = (field, allowed) == ("is_dynamic", (False,)) and role in ("weight", "bias")
            if allowed is not None and not fixed and dtype in known and free(known[dtype], field, allowed):
                demands.setdefault((field, allowed), []).append(dtype)
    for (field, allowed), names in demands.items():
        yield Rule(
            f"{name} takes {role} {join_words(names)} only with {field} {join_words(allowed, 'or')}.",
            when=_where(field, tuple(names)),
            allow={field: allowed},
            absent_is_default=field not in _SIZES,
            roles=(role,),
            code=f"device_{field}",
        )


_SIZES = {"group_size": QSchemeType.per_group, "block_size": QSchemeType.per_block}
"""Fields that have no default and go with one scheme."""


def _where(field: str, dtypes: tuple[str, ...]) -> Condition:
    """Return when a device's limit of ``field`` counts; a field that does not apply is no fault of its value."""
    those = Is("dtype", dtypes)
    if field in _SIZES:
        return AllOf((those, Is("qscheme", (_SIZES[field].value,))))
    return AllOf((those, Not(Is("scale_type", (ScaleType.pof2.value,))))) if field == "scale_dtype" else those


def limits(row: Capability) -> dict[str, tuple[Value, ...] | None]:
    """Return the values that a row takes of each field of a tensor config besides its dtype; None for any."""
    return {
        "qscheme": row.qschemes and tuple(q.value for q in row.qschemes),
        "scale_type": row.scale_types and tuple(s.value for s in row.scale_types),
        "symmetric": row.symmetric,
        "round_method": row.round_methods,
        "is_dynamic": row.is_dynamic,
        "group_size": row.group_sizes,
        "block_size": row.block_sizes,
        "scale_dtype": row.scale_dtypes and tuple(s.value for s in row.scale_dtypes),
    }


def _either(several: list[tuple[Value, ...] | None]) -> tuple[Value, ...] | None:
    if None in several:
        return None
    return tuple(dict.fromkeys(value for values in several for value in values or ()))


def free(spec: DtypeSpec, field: str, allowed: tuple[Value, ...]) -> bool:
    """Return whether a config with this dtype has a say in ``field``, so that a device may limit it."""
    if field in (*_SIZES, "qscheme", "scale_type", "scale_dtype", "is_dynamic"):
        return spec.scaled and not spec.is_block
    return not (field == "symmetric" and spec.only_symmetric and True in allowed)
