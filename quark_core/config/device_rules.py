"""A device's capabilities, written as the same kind of rules as everything else."""

from __future__ import annotations

from collections.abc import Iterator

from quark_core.config.condition import Is, Value
from quark_core.config.rules import Rule, join_words
from quark_core.plugin.capability import ROLES, Capability
from quark_core.plugin.specs import DeviceSpec, DtypeSpec
from quark_core.registry import Registry


def device_rules(spec: DeviceSpec, registry: Registry) -> tuple[Rule, ...]:
    """Return what ``spec`` demands of the tensors in each role; empty when it takes everything."""
    if spec.capabilities is None:
        return ()
    return registry.derived(
        ("device_rules", spec.name), lambda: tuple(rule for role in ROLES for rule in _role(spec, role, registry))
    )


def _role(spec: DeviceSpec, role: str, registry: Registry) -> Iterator[Rule]:
    rows = [row for row in spec.capabilities or () if role in row.roles]
    dtypes = tuple(dtype for row in rows for dtype in row.dtypes)
    takes = join_words(dtypes, "or") if dtypes else "nothing: leave it out"
    yield Rule(f"{spec.name} takes {role} dtype {takes}.", allow={"dtype": dtypes}, roles=(role,), code="device_dtype")
    for row in rows:
        yield from _row(spec, role, row, registry)


def _row(spec: DeviceSpec, role: str, row: Capability, registry: Registry) -> Iterator[Rule]:
    limits: dict[str, tuple[Value, ...] | None] = {
        "qscheme": row.qschemes and tuple(q.value for q in row.qschemes),
        "scale_type": row.scale_types and tuple(s.value for s in row.scale_types),
        "symmetric": row.symmetric,
        "round_method": row.round_methods,
        "is_dynamic": row.is_dynamic,
    }
    known = registry.dtypes()
    for name, allowed in limits.items():
        # What the dtype or the role fixes already needs no word from the device.
        if allowed is None or ((name, allowed) == ("is_dynamic", (False,)) and role in ("weight", "bias")):
            continue
        dtypes = tuple(d for d in row.dtypes if d in known and _free(known[d], name, allowed))
        if not dtypes:
            continue
        yield Rule(
            f"{spec.name} takes {role} {join_words(dtypes)} only with {name} {join_words(allowed, 'or')}.",
            when=Is("dtype", dtypes),
            allow={name: allowed},
            absent_is_default=True,
            roles=(role,),
            code=f"device_{name}",
        )


def _free(spec: DtypeSpec, name: str, allowed: tuple[Value, ...]) -> bool:
    if name in ("qscheme", "scale_type", "is_dynamic"):
        return spec.scaled and not spec.is_block
    return not (name == "symmetric" and spec.only_symmetric and True in allowed)
