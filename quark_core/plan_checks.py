"""Faults that show only when a config meets a model: groups, axes, tied parameters."""

from __future__ import annotations

from collections.abc import Iterator

from quark_core.errors import Problem
from quark_core.plugin.outline import Outline
from quark_core.plugin.plan import Plan, TensorPlan


def unfit(tensor: TensorPlan) -> Problem | None:
    """Return why the settings of a tensor do not fit its shape, or None."""
    if tensor.settings.block_size is not None:
        return _unfit_rectangles(tensor, tensor.settings.block_size)
    axis, size = tensor.settings.axis, tensor.settings.group_size
    if axis is None:
        return None
    if tensor.shape is not None and not -len(tensor.shape) <= axis < len(tensor.shape):
        return tensor.problem(
            f"axis {axis} does not exist in shape {list(tensor.shape)}",
            fix=f"write a ch_axis from {-len(tensor.shape)} to {len(tensor.shape) - 1}",
            option="ch_axis",
            code="axis",
        )
    length = tensor.shape[axis] if tensor.shape is not None else tensor.length
    if size is None or length is None or length % size == 0:
        return None
    return tensor.problem(
        f"group size {size} does not divide the {length} values along axis {axis}{_of(tensor)}",
        fix=_group_fix(tensor, length, size),
        option="group_size",
        code="group_size",
    )


def _unfit_rectangles(tensor: TensorPlan, size: tuple[int, int]) -> Problem | None:
    shape = tensor.shape
    if shape is None or (len(shape) >= 2 and shape[-2] % size[0] == 0 and shape[-1] % size[1] == 0):
        return None
    return tensor.problem(
        f"blocks of {size[0]}x{size[1]} do not divide the last two axes of shape {list(shape)}",
        fix=f"write a block_size that divides them, {_apart(tensor)}",
        option="block_size",
        code="block_size",
    )


def _of(tensor: TensorPlan) -> str:
    return f" of shape {list(tensor.shape)}" if tensor.shape is not None else ""


def _apart(tensor: TensorPlan) -> str:
    return f"give {tensor.layer!r} its own {tensor.role} in layers, or exclude it"


def _group_fix(tensor: TensorPlan, length: int, size: int) -> str:
    apart = _apart(tensor)
    if tensor.settings.dtype.group_size is not None:
        return f"{tensor.settings.dtype.name} fixes the group size at {size}: {apart}"
    divisors = [d for d in range(2, length + 1) if length % d == 0]
    near = sorted(divisors, key=lambda d: abs(d - size))[:2]
    return f"write group_size: {' or '.join(map(str, near))}, or {apart}" if near else apart


def ties(plan: Plan, outline: Outline) -> Iterator[Problem]:
    """Yield each tied parameter that two layers want in two ways: shared values have one form only."""
    planned = {(t.layer, t.name): t for t in plan.tensors()}
    first: dict[str, tuple[str, TensorPlan | None]] = {}
    for layer in outline.layers:
        for tensor in layer.tensors:
            if tensor.storage is None:
                continue
            mine = planned.get((layer.name, tensor.name))
            key = f"{layer.name}.{tensor.name}" if layer.name else tensor.name
            other_key, other = first.setdefault(tensor.storage, (key, mine))
            if _form(mine) != _form(other):
                decided = mine or other
                yield Problem(
                    f"{key} and {other_key} are one tied parameter, but {_say(key, mine)} and {_say(other_key, other)}",
                    fix="treat both layers alike: the same settings for both, or exclude both",
                    place=decided.origin.place if decided else None,
                    code="tied",
                )


def _form(tensor: TensorPlan | None) -> object:
    return tensor.settings if tensor else None


def _say(key: str, tensor: TensorPlan | None) -> str:
    return f"{tensor.origin} makes {key} {tensor.settings.describe()}" if tensor else f"{key} stays float"
