"""Configs that a device says it takes: one for each row, dtype and scheme, for the small network of the kit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import lcm
from typing import TYPE_CHECKING, Any

from quark_core.config.device_rules import device_rules, limits
from quark_core.config.rules import defaults_for
from quark_core.config.type import QSchemeType, QuantizationMode
from quark_core.plugin import Capability, DeviceSpec, Options
from quark_core.plugin.specs import DtypeSpec
from quark_core.registry import current

if TYPE_CHECKING:
    from quark_core import QuantConfig

CLASSES = {"conv2d": "Conv2d", "linear": "Linear"}
"""Operators of the network that are layers, and the classes of their modules."""
ROLES = ("weight", "input", "output")

Tensor = Mapping[str, Any]
Rows = tuple[Capability, ...]

EVERYTHING: Rows = (
    Capability(("weight",), ("int8",), qschemes=(QSchemeType.per_tensor, QSchemeType.per_channel)),
    Capability(("weight",), ("int4",), qschemes=(QSchemeType.per_group,), group_sizes=(16,)),
    Capability(("weight",), ("uint8",), symmetric=(False,)),
    Capability(("input",), ("int8",)),
    Capability(("input",), ("uint8",), symmetric=(False,), is_dynamic=(True,)),
)
"""Some of what a device takes that lists nothing, which means that it takes all."""


@dataclass(frozen=True)
class Case:
    """A config, and how large the network must be for its groups and blocks."""

    what: str
    """What is special about it."""
    config: QuantConfig
    multiple: int = 1
    """Of what every number of channels must be a multiple."""
    sums: bool = False
    """Whether the network adds two activations."""


@dataclass(frozen=True)
class _Variant:
    """One tensor config that a row allows."""

    role: str
    operators: tuple[str, ...]
    tensor: Tensor

    @property
    def multiple(self) -> int:
        """Of what the number of channels must be a multiple."""
        spec = current().dtypes()[self.tensor["dtype"]]
        return lcm(self.tensor.get("group_size") or spec.group_size or 1, *self.tensor.get("block_size", (1,)))

    def __str__(self) -> str:
        """Return it in words."""
        said = (f"{name} {value}" for name, value in self.tensor.items() if name != "dtype")
        return ", ".join([f"{self.role} {self.tensor['dtype']}", *said])


def cases(spec: DeviceSpec, options: Options) -> Iterator[Case]:
    """Yield a config for each row of ``spec``, its dtypes and schemes, all else as the first rows say.

    Weights whose row does not ask for the layer's own axis come with another one too. The first rows come in every mode
    that the device works with, and with a sum where they take it.
    """
    rows = spec.rows(dict(options))
    variants = list(_variants(EVERYTHING if rows is None else rows))
    first = {(role, operator): _first(variants, role, operator) for role in ROLES for operator in CLASSES}
    usual = _one_side(first, None)
    modes = _modes(spec, options)
    for mode in modes:
        yield _case(f"its first rows, {mode}", mode, usual)
        if _adds(usual, variants):
            yield replace(_case(f"its first rows, {mode}, a sum", mode, usual), sums=True)
    special = [v for v in variants if v not in usual.values() and not set(v.operators).isdisjoint(CLASSES)]
    yield from (_case(str(v), modes[0], _one_side(first, v), v) for v in special)


def _modes(spec: DeviceSpec, options: Options) -> tuple[Any, ...]:
    rule = device_rules(spec, current(), dict(options))[1]
    return rule.allow["mode"] if rule else tuple(mode.value for mode in QuantizationMode)


def _adds(usual: Usual, variants: list[_Variant]) -> bool:
    """Return whether sums are left to the host or taken as everything else is, so that edges between them agree.

    Groups would lie along the last axis of what is added, which is short.
    """
    used = [variant for variant in usual.values() if variant and variant.role != "weight"]
    adds = [(_first(variants, variant.role, "add"), variant) for variant in used]
    return all(variant.multiple == 1 and (not add or add.tensor == variant.tensor) for add, variant in adds)


Usual = Mapping[tuple[str, str], _Variant | None]


def _case(what: str, mode: Any, usual: Usual, special: _Variant | None = None) -> Case:
    from quark_core import QuantConfig

    root = {role: variant.tensor for (role, _), variant in list(usual.items())[::-1] if variant}
    own = [(operator, *_entry(role, variant, root)) for (role, operator), variant in usual.items()]
    if special:
        own += [(operator, special.role, special.tensor) for operator in special.operators if operator in CLASSES]
    layers = [{"match": f"type:{CLASSES[operator]}", key: value} for operator, key, value in own if key]
    config = QuantConfig.model_validate({"mode": mode, "layers": layers, **root})
    return Case(what, config, lcm(*(variant.multiple for variant in (*usual.values(), special) if variant)))


def _one_side(usual: Usual, special: _Variant | None) -> Usual:
    """Return ``usual`` for inputs or outputs only where they differ: in a graph they are one edge."""
    inputs, outputs = ([v.tensor if v else None for (r, _), v in usual.items() if r == role] for role in ROLES[1:])
    if special and special.role != "weight":
        kept = special.role
    elif inputs == outputs:
        return usual
    else:
        kept = "input" if any(inputs) else "output"
    return {key: variant if key[0] in ("weight", kept) else None for key, variant in usual.items()}


def _entry(role: str, variant: _Variant | None, root: Mapping[str, Tensor]) -> tuple[str, Any]:
    """Return what a layer must say where the root does not say it; empty where it does."""
    if variant is None:
        return ("skip", [role]) if role in root else ("", None)
    return ("", None) if root[role] == variant.tensor else (role, variant.tensor)


def _first(variants: list[_Variant], role: str, operator: str) -> _Variant | None:
    return next((v for v in variants if v.role == role and operator in v.operators), None)


def _variants(rows: Rows) -> Iterator[_Variant]:
    known = current().dtypes()
    for row in rows:
        for role in (role for role in ROLES if role in row.roles):
            for spec in (known[name] for name in row.dtypes if name in known):
                yield from _of_dtype(row, role, spec)


def _of_dtype(row: Capability, role: str, spec: DtypeSpec) -> Iterator[_Variant]:
    every = CLASSES if role == "weight" else (*CLASSES, "add")
    operators = tuple(name for name in every if name in (row.operators or every))
    if not operators:
        return
    if not spec.scaled:
        yield _Variant(role, operators, {"dtype": spec.name, **_roundings(row)})
        return
    usual = QSchemeType(str(defaults_for(spec)["qscheme"]))
    for scheme in row.qschemes or (usual,):
        if scheme not in spec.allowed_qschemes or not _meant(role, scheme):
            continue
        mine = tuple(name for name in operators if scheme is not QSchemeType.per_block or name == "linear")
        tensor = {"dtype": spec.name, **_fields(row, role, spec, scheme)}
        yield _Variant(role, mine, tensor)
        # Operators of the network have two axes of channels at most: outputs are 0 and inputs are 1.
        other = {QSchemeType.per_channel: 1, QSchemeType.per_group: 0}.get(scheme)
        if role == "weight" and other is not None and not row.own_axis:
            yield _Variant(role, mine, {**tensor, "ch_axis": other})


def _meant(role: str, scheme: QSchemeType) -> bool:
    return scheme is not (QSchemeType.per_token if role == "weight" else QSchemeType.per_block)


def _roundings(row: Capability) -> dict[str, Any]:
    return {"round_method": row.round_methods[0]} if row.round_methods else {}


def _fields(row: Capability, role: str, spec: DtypeSpec, scheme: QSchemeType) -> dict[str, Any]:
    values: dict[str, Any] = {field: allowed[0] for field, allowed in limits(row).items() if allowed}
    values["qscheme"] = scheme.value
    if spec.only_symmetric:
        values.pop("symmetric", None)
    values.pop("group_size", None)
    values.pop("block_size", None)
    if spec.is_block:
        return {key: value for key, value in values.items() if key in ("qscheme", "round_method")}
    if values.get("scale_type") == "pof2":
        values.pop("scale_dtype", None)
    if role == "weight":
        values.pop("is_dynamic", None)
    elif scheme in (QSchemeType.per_token, QSchemeType.per_group):
        values["is_dynamic"] = True
    if scheme is QSchemeType.per_group:
        values["group_size"] = (row.group_sizes or (16,))[0]
    if scheme is QSchemeType.per_block:
        values["block_size"] = list((row.block_sizes or ((16, 16),))[0])
    return values
