"""What capabilities cannot say: along which axis scales of weights may lie."""

from __future__ import annotations

from collections.abc import Iterator

from quark_core.errors import PlanError, Problem
from quark_core.plugin import Plan


def check_axes(plan: Plan) -> None:
    """Raise PlanError where the scales of a weight do not belong to output channels."""
    if problems := list(_problems(plan)):
        raise PlanError(problems)


def _problems(plan: Plan) -> Iterator[Problem]:
    for tensor in plan.tensors():
        axis = tensor.settings.axis
        if tensor.role == "weight" and axis not in (0, -len(tensor.shape or ())):
            yield Problem(
                f"{tensor.key} ({tensor.origin.rule}): dsp.core takes weight scales along axis 0 only, and these lie "
                f"along axis {axis}: a sum over inputs of different scales has no scale",
                fix="leave ch_axis out, or write ch_axis: 0",
                place=tensor.origin.place,
                code="dsp_axis",
            )
