"""Which activations of a plan have one quantizer: those on one edge of the graph, and those whose scales must agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from quark_core.config.type import QSchemeType
from quark_core.errors import Problem
from quark_core.plugin.outline import Outline, TensorOutline
from quark_core.plugin.plan import Plan, TensorPlan


def share(plan: Plan, outline: Outline) -> tuple[Plan, list[Problem]]:
    """Return ``plan`` with ``shared`` filled in, and the edges that two rules want in two ways.

    Tensors with equal settings share a quantizer when they are one value, when one repeats the per-tensor quantized
    values of the other, or when they are joined. Modes that name no values share nothing.
    """
    outlined = {(layer.name, tensor.name): tensor for layer in outline.layers for tensor in layer.tensors}
    members = [
        _Member(tensor, outlined[tensor.layer, tensor.name])
        for tensor in plan.tensors()
        if outlined[tensor.layer, tensor.name].value is not None
    ]
    quantized = {name for member in members for name in member.gives}
    groups = _Groups()
    for member in members:
        for name in member.names(quantized):
            groups.join(member.key, f"{name} as {member.form}")
    owners: dict[str, str] = {}
    # An output comes before the inputs that repeat it.
    for member in sorted(members, key=lambda member: member.tensor.role != "output"):
        owners.setdefault(groups.root(member.key), member.key)
    shared = {m.key: owner for m in members if (owner := owners[groups.root(m.key)]) != m.key}
    return _with(plan, shared), list(_conflicts(members, quantized))


@dataclass(frozen=True)
class _Member:
    """An activation of the plan, and where it stands in the graph."""

    tensor: TensorPlan
    outline: TensorOutline

    @property
    def key(self) -> str:
        return self.tensor.key

    @property
    def form(self) -> str:
        return repr(self.tensor.settings)

    @property
    def _one_scale(self) -> bool:
        return self.tensor.settings.qscheme in (None, QSchemeType.per_tensor)

    @property
    def gives(self) -> Iterator[str]:
        """The grids that exist because this tensor is quantized."""
        if self.tensor.role == "output":
            yield f"{self.outline.value}"
        if self.outline.joined and self._one_scale:
            yield self.outline.joined

    def names(self, quantized: set[str]) -> Iterator[str]:
        """Yield what this tensor shares with others."""
        grid = self.outline.grid
        yield grid if grid in quantized and self._one_scale else f"{self.outline.value}"
        if self.outline.joined and self._one_scale:
            yield self.outline.joined


class _Groups:
    """Sets of names that grow together."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def root(self, name: str) -> str:
        while (parent := self._parents.setdefault(name, name)) != name:
            name = parent
        return name

    def join(self, first: str, second: str) -> None:
        self._parents[self.root(second)] = self.root(first)


def _with(plan: Plan, shared: dict[str, str]) -> Plan:
    if not shared:
        return plan
    layers = (
        replace(layer, tensors=tuple(replace(t, shared=shared.get(t.key)) for t in layer.tensors))
        for layer in plan.layers
    )
    return Plan(tuple(layers))


def _conflicts(members: list[_Member], quantized: set[str]) -> Iterator[Problem]:
    first: dict[str, _Member] = {}
    for member in sorted(members, key=lambda member: member.tensor.role != "output"):
        for name in _edges(member, quantized):
            other = first.setdefault(name, member)
            if other.tensor.settings != member.tensor.settings:
                yield Problem(
                    f"{other.key} and {member.key} are one edge of the graph, but {other.tensor.origin} makes it "
                    f"{other.tensor.settings.describe()} and {member.tensor.origin} "
                    f"{member.tensor.settings.describe()}",
                    fix="say the same for both, or skip one of them in layers: an edge has one quantizer",
                    place=member.tensor.origin.place,
                    code="edge",
                )


def _edges(member: _Member, quantized: set[str]) -> Iterator[str]:
    """Yield the grids on which all must agree: those that an output or a concatenation already quantized."""
    for name in dict.fromkeys((member.outline.value, member.outline.grid, member.outline.joined)):
        if name is not None and name in quantized:
            yield name


__all__ = ["share"]
