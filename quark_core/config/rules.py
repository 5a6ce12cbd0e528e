"""Cross-field rules as data. One list drives the validator, the JSON Schema and the editor's messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from quark_core.config.condition import ALWAYS, AnyOf, Condition, Is, Not, Value, Values, plain
from quark_core.config.type import QSchemeType, RoundType, ScaleType
from quark_core.plugin.specs import DtypeSpec
from quark_core.registry import Registry

TENSOR_DEFAULTS: Mapping[str, Value] = {
    "qscheme": QSchemeType.per_tensor.value,
    "symmetric": True,
    "scale_type": ScaleType.float.value,
    "round_method": RoundType.half_even.value,
    "is_dynamic": False,
}
"""Defaults of a tensor config; a dtype that fixes a field overrides them."""

CHOICE_FIELDS = frozenset({"round_method", "observer"})
"""Fields of a tensor config that take a name or options with a name."""


@dataclass(frozen=True)
class Rule:
    """Where ``when`` holds: fields that must be there, must not be there, or may only have some values."""

    message: str
    """What the command line and the editor both say."""
    when: Condition = ALWAYS
    require: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()
    allow: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    absent_is_default: bool = False
    """Whether a field of ``allow`` that is left out counts with its default value; else leaving it out is fine."""
    roles: tuple[str, ...] = ()
    """Roles (weight, input, output, bias) that the rule is for; empty for all."""
    code: str = "rule"

    def broken(self, given: Mapping[str, Any], defaults: Values) -> Iterator[tuple[str, bool]]:
        """Yield each field that breaks the rule, and whether it is there; ``given`` is the object as it was written."""
        said = {name: plain(value) for name, value in given.items()}
        values = {**defaults, **said}
        if not self.when.holds(values):
            return
        yield from ((name, False) for name in self.require if name not in given)
        yield from ((name, True) for name in self.forbid if name in given)
        for name, allowed in self.allow.items():
            counts = name in given or self.absent_is_default
            if counts and not Is(name, allowed).holds(values):
                yield name, name in given

    def fix(self, name: str, value: Any) -> str:
        """Return what to change in field ``name``, which holds ``value``."""
        if name in self.require:
            return f"add {name}"
        if name in self.forbid:
            return f"remove {name}"
        allowed = self.allow[name]
        if not allowed:
            return "leave it out"
        near = difflib.get_close_matches(str(plain(value)), [str(a) for a in allowed], 1, cutoff=0.0)
        return f"write {name}: {join_words([near[0] if near and near[0] in allowed else allowed[0]])}"

    def reads(self) -> frozenset[str]:
        """Return the fields whose own faults make this rule meaningless."""
        return self.when.fields() | frozenset(self.allow)


def tensor_rules(registry: Registry) -> tuple[Rule, ...]:
    """Return the rules of every tensor config, for the dtypes in ``registry``."""
    return registry.derived("tensor_rules", lambda: _tensor_rules(registry))


def _tensor_rules(registry: Registry) -> tuple[Rule, ...]:
    return (*_scheme_rules(registry), *_dtype_rules(registry), *_role_rules(registry))


def _names(dtypes: Iterable[DtypeSpec]) -> tuple[str, ...]:
    return tuple(spec.name for spec in dtypes)


def _scheme_rules(registry: Registry) -> Iterator[Rule]:
    blocks = Is("dtype", _names(d for d in registry.dtypes().values() if d.is_block))
    per_group = Is("qscheme", (QSchemeType.per_group.value,))
    # A plain cast takes no qscheme at all, which is one fault, not two.
    sized = Is("dtype", _names(d for d in registry.dtypes().values() if d.scaled and not d.is_block))
    yield Rule(
        "qscheme per_group needs group_size.",
        when=_both(per_group, sized),
        require=("group_size",),
        code="group_size_missing",
    )
    yield Rule(
        "group_size only applies to qscheme per_group.",
        when=Not(AnyOf((per_group, blocks))),
        forbid=("group_size",),
        code="group_size_unused",
    )
    grouped = Is("qscheme", (QSchemeType.per_channel.value, QSchemeType.per_group.value))
    yield Rule(
        "ch_axis only applies to qscheme per_channel and per_group.",
        when=Not(AnyOf((grouped, blocks))),
        forbid=("ch_axis",),
        code="ch_axis_unused",
    )
    yield Rule(
        "is_dynamic computes the scale from each batch, so it takes no observer.",
        when=Is("is_dynamic", (True,)),
        forbid=("observer",),
        code="observer_unused",
    )


def _both(*parts: Condition) -> Condition:
    from quark_core.config.condition import AllOf

    return AllOf(parts)


def _dtype_rules(registry: Registry) -> Iterator[Rule]:
    dtypes = tuple(registry.dtypes().values())
    if casts := _names(d for d in dtypes if not d.scaled):
        yield Rule(
            f"{join_words(casts)}: a plain cast takes no qscheme, scale_type, observer or is_dynamic.",
            when=Is("dtype", casts),
            forbid=("qscheme", "scale_type", "observer", "is_dynamic"),
            code="cast",
        )
    if symmetric := _names(d for d in dtypes if d.only_symmetric):
        yield Rule(
            f"{join_words(symmetric)}: always symmetric, the zero point is 0.",
            when=Is("dtype", symmetric),
            allow={"symmetric": (True,)},
            code="symmetric_only",
        )
    if blocks := _names(d for d in dtypes if d.is_block):
        yield Rule(
            f"{join_words(blocks)}: each block computes its own scale, so there is no observer and no is_dynamic.",
            when=Is("dtype", blocks),
            forbid=("observer", "is_dynamic"),
            code="block_scale",
        )
    yield from _fixed(dtypes)


def _fixed(dtypes: tuple[DtypeSpec, ...]) -> Iterator[Rule]:
    # Dtypes with the same restriction share one rule, so the schema grows with restrictions, not with dtypes.
    restrictions: dict[tuple[str, tuple[Value, ...]], list[str]] = {}
    for spec in dtypes:
        if not spec.scaled:
            continue
        if set(spec.allowed_qschemes) != set(QSchemeType):
            restrictions.setdefault(("qscheme", tuple(q.value for q in spec.allowed_qschemes)), []).append(spec.name)
        if set(spec.allowed_scale_types) != set(ScaleType):
            allowed = tuple(s.value for s in spec.allowed_scale_types)
            restrictions.setdefault(("scale_type", allowed), []).append(spec.name)
        if spec.group_size is not None:
            restrictions.setdefault(("group_size", (spec.group_size,)), []).append(spec.name)
    for (name, values), names in restrictions.items():
        yield Rule(
            f"{join_words(names)}: {name} can only be {join_words(values, 'or')}.",
            when=Is("dtype", tuple(names)),
            allow={name: values},
            code=f"{name}_fixed",
        )


def _role_rules(registry: Registry) -> Iterator[Rule]:
    yield Rule(
        "is_dynamic is for input and output: a weight or bias is known when the model is quantized.",
        forbid=(),
        allow={"is_dynamic": (False,)},
        roles=("weight", "bias"),
        code="is_dynamic_unused",
    )
    counted = _names(d for d in registry.dtypes().values() if d.scaled and not d.is_block)
    yield Rule(
        "qscheme per_group on input and output needs is_dynamic: true, since the number of groups follows the batch.",
        when=_both(Is("qscheme", (QSchemeType.per_group.value,)), Is("dtype", counted)),
        allow={"is_dynamic": (True,)},
        absent_is_default=True,
        roles=("input", "output"),
        code="per_group_static",
    )


def join_words(values: Iterable[Value], word: str = "and") -> str:
    """Return values as people list them: ``a, b and c``; booleans as a config writes them."""
    texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    return f" {word} ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))


def defaults_for(spec: DtypeSpec | None) -> dict[str, Value]:
    """Return the defaults of a tensor config whose dtype is ``spec``; None for an unknown one."""
    values = dict(TENSOR_DEFAULTS)
    if spec is None or not spec.scaled:
        return values
    for name, allowed in (("qscheme", spec.allowed_qschemes), ("scale_type", spec.allowed_scale_types)):
        if values[name] not in allowed:
            values[name] = allowed[0].value
    return values
