"""Means over the spatial axes as global average pools."""

from __future__ import annotations

from collections.abc import Iterator

from torch import fx, nn

from quark_core.plugin import Adjustment
from quark_ipu.functions import global_average
from quark_ipu.rewriting import Call, calls, each, tidy

_WHY = "the IPU computes an average as a sum times m / 2^k; off by at most 1/42 of the average, often by less"
_SPATIAL = ({2, 3}, {-2, -1})
_ADAPTIVE = {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d}


class GlobalAverage:
    """Makes means over both spatial axes, and adaptive average pools to one value, a sum times m / 2^k.

    The results are off by at most 1/42 of the exact average for the windows whose multiplier the hardware fixes (see
    ``multipliers``), and by at most 1/256 of it for others of up to 33025 values.
    """

    name = "global_average"

    def __call__(self, graph: fx.GraphModule) -> list[Adjustment]:
        """Change ``graph`` in place and return what was changed."""
        changes = [*_means(graph), *_pools(graph)]
        tidy(graph)
        return changes


def _means(graph: fx.GraphModule) -> Iterator[Adjustment]:
    for call in calls(graph, ("mean",), ()):
        axes, keep = call.option(1, "dim"), call.option(2, "keepdim", default=False)
        if isinstance(axes, list | tuple) and set(axes) in _SPATIAL and call.node.kwargs.get("dtype") is None:
            yield _replaced(call, tuple(axes), keep, "mean")


def _pools(graph: fx.GraphModule) -> Iterator[Adjustment]:
    for rank, cls in _ADAPTIVE.items():
        name = f"adaptive_avg_pool{rank}d"
        for call in calls(graph, (name,), (cls,)):
            size = call.option(1, "output_size")
            if isinstance(size, int | list | tuple) and each(size, rank) == (1,) * rank:
                yield _replaced(call, tuple(range(-rank, 0)), True, name)  # noqa: FBT003 - torch's own order


def _replaced(call: Call, axes: tuple[int, ...], keep: bool, before: str) -> Adjustment:
    return call.replace(call.put(global_average, call.source, axes, keep), before, "global average pool", _WHY)
