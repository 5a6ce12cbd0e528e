"""Cross-field rules as data. One list drives the validator, the JSON Schema and the editor's messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quark_core.config.condition import ALWAYS, Condition, Is, Value, Values, plain
from quark_core.config.scaling import ScaleDtype
from quark_core.config.type import QSchemeType, RoundType, ScaleType
from quark_core.plugin.specs import DtypeSpec

TENSOR_DEFAULTS: Mapping[str, Value] = {
    "qscheme": QSchemeType.per_tensor.value,
    "symmetric": True,
    "scale_type": ScaleType.float.value,
    "scale_dtype": ScaleDtype.float32.value,
    "round_method": RoundType.half_even.value,
    "is_dynamic": False,
}
"""Defaults of a tensor config; a dtype that fixes a field overrides them."""

CHOICE_FIELDS = {"round_method": "rounding", "observer": "observer", "mode": "mode"}
"""Fields that take a name or options with a name, and of which kind of extension."""


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
        return f"write {name}: {join_words([nearest(plain(value), allowed)])}"

    def reads(self) -> frozenset[str]:
        """Return the fields whose own faults make this rule meaningless."""
        return self.when.fields() | frozenset(self.allow)


def join_words(values: Iterable[Value], word: str = "and") -> str:
    """Return values as people list them: ``a, b and c``; booleans as a config writes them."""
    texts = [_text(value) for value in values]
    return f" {word} ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))


def _text(value: Value) -> str:
    if isinstance(value, tuple):
        return str(list(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def nearest(value: Any, allowed: Sequence[Value]) -> Value:
    """Return the allowed value that was most likely meant: the closest number, or the most similar word."""
    numbers = [a for a in allowed if isinstance(a, int) and not isinstance(a, bool)]
    if numbers and isinstance(value, int):
        return min(numbers, key=lambda number: abs(number - value))
    near = difflib.get_close_matches(str(value), [str(a) for a in allowed], 1, cutoff=0.0)
    return next((a for a in allowed if str(a) in near), allowed[0])


def defaults_for(spec: DtypeSpec | None) -> dict[str, Value]:
    """Return the defaults of a tensor config whose dtype is ``spec``; None for an unknown one."""
    values = dict(TENSOR_DEFAULTS)
    if spec is None or not spec.scaled:
        return values
    for name, allowed in (("qscheme", spec.allowed_qschemes), ("scale_type", spec.allowed_scale_types)):
        if values[name] not in allowed:
            values[name] = allowed[0].value
    return values
