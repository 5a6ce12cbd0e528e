"""Average pools with an integer multiplier and a shift."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from torch import fx, nn

from quark_core.errors import DeviceError
from quark_core.plugin import Adjustment
from quark_ipu.functions import average_pool
from quark_ipu.multipliers import reciprocal
from quark_ipu.rewriting import Call, calls, each, tidy

_WHY = "the IPU computes an average as a sum times m / 2^k; {error}"
_CLASSES = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}


class AveragePool:
    """Makes average pools a sum times m / 2^k, where the divisor is the same everywhere.

    The results are off by at most 1/42 of the exact average for the windows whose multiplier the hardware fixes (see
    ``multipliers``), and by at most 1/256 of it for others of up to 33025 values. Pools with ``ceil_mode``, and those
    that do not count their padding, have smaller divisors at the edges and are left as they are.
    """

    name = "average_pool"

    def __call__(self, graph: fx.GraphModule) -> list[Adjustment]:
        """Change ``graph`` in place and return what was changed."""
        changes = [change for rank in _CLASSES for change in _changed(graph, rank)]
        tidy(graph)
        return changes


def _changed(graph: fx.GraphModule, rank: int) -> Iterator[Adjustment]:
    for call in calls(graph, (f"avg_pool{rank}d",), (_CLASSES[rank],)):
        if call.node.all_input_nodes[1:]:
            # Its window depends on the size of something.
            continue
        kernel = each(call.option(1, "kernel_size"), rank)
        stride = each(call.option(2, "stride") or kernel, rank)
        padding = each(call.option(3, "padding", 0), rank)
        if call.option(4, "ceil_mode", default=False) or _uneven(call, padding):
            continue
        divisor = call.option(6, "divisor_override")
        try:
            multiplier = reciprocal(kernel, divisor)
        except DeviceError:
            continue
        made = call.put(average_pool, call.source, kernel, stride, padding, (multiplier.factor, multiplier.shift))
        count = divisor or prod(kernel)
        error = abs(multiplier.value * count - 1)
        before, after = f"avg_pool{rank}d by 1/{count}", f"by {multiplier.factor}/2^{multiplier.shift}"
        told = f"off by {error:.2%} of the average" if error else "exact here"
        yield call.replace(made, before, after, _WHY.format(error=told))


def _uneven(call: Call, padding: tuple[int, ...]) -> bool:
    counted = call.option(5, "count_include_pad", default=True) or call.option(6, "divisor_override")
    return any(padding) and not counted
