"""Leaky ReLU with a slope of 26/256."""

from __future__ import annotations

from collections.abc import Iterator

from torch import fx, nn

from quark_core.plugin import Adjustment
from quark_ipu.functions import SLOPE, SLOPE_BITS, leaky_relu
from quark_ipu.rewriting import calls, tidy

_WHY = "the IPU computes leaky ReLU as a product with 26 and a shift by 8; off by at most |x| / 512"


class LeakyRelu:
    """Makes each slope for which 26/256 is the nearest of all n/256, such as 0.1, that very number.

    Results are off by at most |x| / 512. Other slopes are left as they are.
    """

    name = "leaky_relu"

    def __call__(self, graph: fx.GraphModule) -> list[Adjustment]:
        """Change ``graph`` in place and return what was changed."""
        changes = list(_changed(graph))
        tidy(graph)
        return changes


def _changed(graph: fx.GraphModule) -> Iterator[Adjustment]:
    for call in calls(graph, ("leaky_relu",), (nn.LeakyReLU,)):
        slope = call.option(1, "negative_slope", 0.01)
        if isinstance(slope, float) and abs(slope * 2**SLOPE_BITS - SLOPE) < 0.5:
            yield call.replace(call.put(leaky_relu, call.source), f"leaky_relu slope {slope:g}", "slope 26/256", _WHY)
