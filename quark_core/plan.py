"""Config and outline of a model -> what happens to each tensor, and which rule of the config said so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from quark_core.config.models import LayerConfig, QuantConfig, TensorConfig
from quark_core.config.resolve import resolve
from quark_core.errors import PlanError, Problem, dotted
from quark_core.matching import Matches, match_patterns
from quark_core.plan_checks import ties, unfit
from quark_core.plan_devices import DeviceLimits
from quark_core.plan_sharing import share
from quark_core.plugin.outline import LayerOutline, Outline, TensorOutline
from quark_core.plugin.plan import Coverage, LayerPlan, Origin, Plan, TensorPlan
from quark_core.registry import Registry, use

ROLES = ("weight", "bias", "input", "output")


def make_plan(config: QuantConfig, outline: Outline, *, registry: Registry | None = None) -> Plan:
    """Decide about every tensor of ``outline``.

    Raises PlanError, which holds every fault: patterns that match nothing, entries without effect, groups that do not
    divide, axes that do not exist, tied parameters that are treated differently, nothing to do at all.
    """
    with use(registry) as active:
        device = DeviceLimits.of(config, active)
        matches, problems = match_patterns(config, outline)
        problems += [p for i, entry in enumerate(config.layers) for p in _contradictions(config, i, entry)]
        decided = [(layer, _layer(config, layer, matches, device)) for layer in outline.layers]
        # A functional operator has no parameters of its own, yet that it stays float must be told.
        kept = tuple(made for layer, made in decided if made.tensors or made.parameters or _told(layer, made))
        plan = Plan(kept)
        plan, conflicts = share(plan, outline)
        problems += conflicts
        problems += _without_effect(config, outline, matches)
        problems += [problem for tensor in plan.tensors() if (problem := unfit(tensor))]
        problems += ties(plan, outline)
        problems += device.problems(plan, outline)
    if not problems and not any(True for _ in plan.tensors()):
        problems.append(_nothing(plan))
    if problems:
        placed = (p if p.place else replace(p, place=config.place_near(*p.path)) for p in problems)
        raise PlanError(sorted(placed, key=_position))
    return plan


def _position(problem: Problem) -> tuple[int, int]:
    return (problem.place.line, problem.place.column) if problem.place else (0, 0)


@dataclass(frozen=True)
class _Choice:
    """What the rules say of one tensor: a config or nothing, and which of them said it."""

    config: TensorConfig | None
    origin: Origin | None


def _told(layer: LayerOutline, made: LayerPlan) -> bool:
    return bool(layer.unsupported or (made.reason and layer.tensors))


def _layer(config: QuantConfig, layer: LayerOutline, matches: Matches, device: DeviceLimits) -> LayerPlan:
    excluded = matches.excluded.get(layer.name)
    reason = layer.unsupported or ""
    tensors: tuple[TensorPlan, ...] = ()
    if excluded is not None:
        origin = _origin(config, "exclude", excluded)
        reason = f"excluded by {origin}"
    else:
        entries = matches.entries(layer.name)
        root = not layer.on_request or device.lists_operators
        choices = [(t, _choose(config, t.role, entries, root=root)) for t in layer.tensors]
        if left := _left_by_device(layer, choices, device):
            reason, choices = reason or left, []
        tensors = tuple(_tensor(layer, tensor, choice) for tensor, choice in choices if choice.config)
        reason = reason or "; ".join(_why_not(layer, choices))
    quantized = sum(_elements(layer, tensor) for tensor in tensors)
    return LayerPlan(layer.name, layer.type, tensors, layer.parameters, quantized, reason)


def _choose(config: QuantConfig, role: str, entries: tuple[int, ...], *, root: bool) -> _Choice:
    base = config.role(role) if root else None
    choice = _Choice(base, _origin(config, role) if base else None)
    for index in entries:
        entry = config.layers[index]
        if (own := entry.role(role)) is not None:
            choice = _Choice(own, _origin(config, "layers", index, role))
        elif role in entry.skip:
            choice = _Choice(None, _origin(config, "layers", index, "skip"))
    return choice


def _origin(config: QuantConfig, *path: str | int) -> Origin:
    return Origin(dotted(path), config.place(*path), path=path)


def _tensor(layer: LayerOutline, tensor: TensorOutline, choice: _Choice) -> TensorPlan:
    if choice.config is None or choice.origin is None:
        raise ValueError(f"no rule names {layer.name}.{tensor.name}")
    settings = resolve(choice.config, channel_axis=tensor.channel_axis, group_axis=tensor.group_axis)
    length = tensor.group_length if settings.axis == tensor.group_axis else None
    return TensorPlan(
        layer.name, tensor.role, tensor.name, settings, choice.origin, tensor.shape, tensor.storage, length
    )


def _why_not(layer: LayerOutline, choices: list[tuple[TensorOutline, _Choice]]) -> Iterator[str]:
    if not layer.parameters:
        return
    for tensor, choice in choices:
        if tensor.role == "weight" and choice.config is None:
            yield f"{tensor.name}: {f'skipped by {choice.origin}' if choice.origin else 'no rule names weight'}"


def _left_by_device(
    layer: LayerOutline, choices: list[tuple[TensorOutline, _Choice]], device: DeviceLimits
) -> str | None:
    """Return why an operator to which only rules at the root apply is left to the host; layers with weights are not."""
    chosen = [(tensor.role, choice.origin) for tensor, choice in choices if choice.config]
    asked = any(origin is not None and origin.rule.startswith("layers[") for _, origin in chosen)
    weighted = layer.parameters and not layer.on_request
    if weighted or asked or all(device.computes(layer, role) for role, _ in chosen):
        return None
    return f"{device.name} takes no quantized {layer.operator}"


def _elements(layer: LayerOutline, planned: TensorPlan) -> int:
    return sum(t.elements for t in layer.tensors if t.role == planned.role and t.name == planned.name)


def _contradictions(config: QuantConfig, index: int, entry: LayerConfig) -> Iterator[Problem]:
    for role in entry.skip:
        if entry.role(role) is not None:
            yield Problem(
                f"this entry both sets {role} and skips it",
                fix=f"remove {role}, or take it out of skip",
                path=("layers", index, "skip"),
                place=config.place("layers", index, "skip"),
                code="set_and_skipped",
            )


def _without_effect(config: QuantConfig, outline: Outline, matches: Matches) -> Iterator[Problem]:
    by_name = {layer.name: layer for layer in outline.layers}
    for index, entry in enumerate(config.layers):
        covered = [by_name[name] for name in matches.covered.get(index, ())]
        if not covered:
            continue  # its patterns match nothing, which is reported already
        roles = {tensor.role for layer in covered for tensor in layer.tensors}
        for role in ROLES:
            if entry.role(role) is not None and role not in roles:
                known = "; ".join(sorted({f"{c.name}: {c.unsupported}" for c in covered if c.unsupported})[:3])
                yield Problem(
                    f"no layer that this entry matches has a quantizable {role}" + (f" ({known})" if known else ""),
                    fix=f"remove {role} from the entry, or match other layers",
                    path=("layers", index, role),
                    place=config.place("layers", index, role),
                    code="no_effect",
                )


def _nothing(plan: Plan) -> Problem:
    reasons = sorted({layer.reason for layer in plan.layers if layer.reason})
    return Problem(
        "this config quantizes nothing in this model" + (f" ({'; '.join(reasons[:3])})" if reasons else ""),
        fix="give weight, input, output or bias at the root or in layers",
        code="nothing_to_do",
    )


__all__ = ["Coverage", "LayerPlan", "Origin", "Plan", "TensorPlan", "make_plan"]
