"""What a device takes of a model's layers, operator by operator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from quark_core.config.condition import Value, plain
from quark_core.config.device_rules import free, limits
from quark_core.config.models import QuantConfig
from quark_core.config.rules import join_words, nearest
from quark_core.config.type import ScaleType
from quark_core.errors import Problem
from quark_core.plugin.capability import Capability
from quark_core.plugin.outline import LayerOutline, Outline
from quark_core.plugin.plan import Plan, TensorPlan
from quark_core.plugin.specs import DeviceSpec
from quark_core.registry import Registry

_CODE = "device_operator"


@dataclass(frozen=True)
class DeviceLimits:
    """The capabilities of a config's device."""

    name: str
    rows: tuple[Capability, ...] | None
    """None when it takes everything."""

    @staticmethod
    def of(config: QuantConfig, registry: Registry) -> DeviceLimits:
        """Return those of the config's device under its options."""
        spec, options = registry.choose(DeviceSpec, config.device)
        return DeviceLimits(spec.name, spec.rows(dict(options)))

    @property
    def lists_operators(self) -> bool:
        """Whether rows for activations name operators, which the rules at the root then reach."""
        return any(row.operators for row in self._for("input") + self._for("output"))

    def computes(self, layer: LayerOutline, role: str) -> bool:
        """Return whether some row is for tensors of a role in layers of this kind; by name where it is on request."""
        if self.rows is None or layer.operator is None:
            return True
        unnamed = () if layer.on_request else (layer.operator,)
        return any(layer.operator in (row.operators or unnamed) for row in self._for(role))

    def _for(self, role: str) -> list[Capability]:
        return [row for row in self.rows or () if role in row.roles]

    def problems(self, plan: Plan, outline: Outline) -> Iterator[Problem]:
        """Yield each tensor of ``plan`` that the device does not take in its layer."""
        layers = {layer.name: layer for layer in outline.layers}
        for tensor in plan.tensors() if self.rows is not None else ():
            layer = layers[tensor.layer]
            operator = layer.operator
            rows = [r for r in self._for(tensor.role) if operator is None or operator in (r.operators or (operator,))]
            yield from self._tensor(tensor, operator or "an operator", rows)
            if any(row.own_axis and tensor.settings.dtype.name in row.dtypes for row in rows):
                yield from self._axis(tensor, layer)

    def _tensor(self, tensor: TensorPlan, operator: str, rows: list[Capability]) -> Iterator[Problem]:
        dtypes = tuple(dict.fromkeys(dtype for row in rows for dtype in row.dtypes))
        what = f"{self.name} takes"
        if not rows:
            message = f"{what} no {tensor.role} of {operator}"
            fix = f"exclude {tensor.layer!r}, or skip its {tensor.role} in layers"
            yield tensor.problem(message, fix=fix, code=_CODE)
            return
        mine = [row for row in rows if tensor.settings.dtype.name in row.dtypes]
        if not mine:
            near = nearest(tensor.settings.dtype.name, dtypes)
            message = f"{what} {tensor.role} dtype {join_words(dtypes, 'or')} of {operator}"
            fix = f"write dtype: {near} for {tensor.layer!r} in layers, or exclude it"
            yield tensor.problem(message, fix=fix, option="dtype", code=_CODE)
            return
        what = f"{what} {tensor.role} {tensor.settings.dtype.name} of {operator} only with"
        for field, allowed in limits(mine[0]).items():
            value = _value(tensor, field)
            if allowed is None or value is None or value in allowed or not free(tensor.settings.dtype, field, allowed):
                continue
            near = join_words([nearest(value, allowed)])
            fix = f"write {field}: {near} for {tensor.layer!r} in layers, or exclude it"
            yield tensor.problem(f"{what} {field} {join_words(allowed, 'or')}", fix=fix, option=field, code=_CODE)

    def _axis(self, tensor: TensorPlan, layer: LayerOutline) -> Iterator[Problem]:
        """Yield a problem where scales lie along another axis than they do when the config names none."""
        axis = tensor.settings.axis
        outline = next(t for t in layer.tensors if (t.role, t.name) == (tensor.role, tensor.name))
        own = outline.channel_axis if tensor.settings.group_size is None else outline.group_axis
        rank = len(tensor.shape) if tensor.shape is not None else 0
        if axis is None or axis == own or (rank and axis % rank == own % rank):
            return
        message = f"{self.name} takes {tensor.role} scales of {layer.operator or 'a layer'} along axis {own} only"
        message += f", and these lie along axis {axis}"
        yield tensor.problem(message, fix="leave ch_axis out", option="ch_axis", code=_CODE)


def _value(tensor: TensorPlan, field: str) -> Value | None:
    settings = tensor.settings
    if field == "round_method":
        return settings.rounding.name
    if field == "scale_dtype" and settings.scale_type is ScaleType.pof2:
        return None
    found: Value | None = plain(getattr(settings, field))
    return found


__all__ = ["DeviceLimits"]
