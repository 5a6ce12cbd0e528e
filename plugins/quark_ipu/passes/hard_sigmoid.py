"""Sigmoid as hard sigmoid."""

from __future__ import annotations

from collections.abc import Iterator

from torch import fx, nn

from quark_core.plugin import Adjustment
from quark_ipu.functions import hard_sigmoid
from quark_ipu.rewriting import calls, tidy

_WHY = "the IPU computes clamp(x + 3, 0, 6) * 2731 / 2^14; off by at most "
_ROUGH, _FINE = "0.07", "2^-13"


class HardSigmoid:
    """Makes sigmoid and hard sigmoid ``clamp(x + 3, 0, 6) * 2731 / 2^14``, which is exact in fixed point.

    Off by at most 0.07 from a sigmoid, and by at most 2^-13 from a hard sigmoid.
    """

    name = "hard_sigmoid"

    def __call__(self, graph: fx.GraphModule) -> list[Adjustment]:
        """Change ``graph`` in place and return what was changed."""
        changes = [
            *_changed(graph, ("sigmoid",), nn.Sigmoid, "sigmoid", _ROUGH),
            *_changed(graph, ("hardsigmoid",), nn.Hardsigmoid, "hardsigmoid", _FINE),
        ]
        tidy(graph)
        return changes


def _changed(
    graph: fx.GraphModule, names: tuple[str, ...], cls: type[nn.Module], before: str, bound: str
) -> Iterator[Adjustment]:
    for call in calls(graph, names, (cls,)):
        yield call.replace(call.put(hard_sigmoid, call.source), before, "hard sigmoid", _WHY + bound)
