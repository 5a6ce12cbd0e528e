"""Clamps from 0 to 6 as ReLU6."""

from __future__ import annotations

from collections.abc import Iterator

from torch import fx, nn
from torch.nn import functional

from quark_core.plugin import Adjustment
from quark_ipu.rewriting import calls, tidy

_WHY = "the same by its own name, under which the IPU computes it as part of the layer before; exact"


class Relu6:
    """Makes ``clamp`` and ``hardtanh`` from 0 to 6, as torch.export writes it, the ReLU6 that they are; exact."""

    name = "relu6"

    def __call__(self, graph: fx.GraphModule) -> list[Adjustment]:
        """Change ``graph`` in place and return what was changed."""
        changes = [
            *_changed(graph, "hardtanh", (nn.Hardtanh,), ("min_val", "max_val")),
            *_changed(graph, "clamp", (), ("min", "max")),
        ]
        tidy(graph)
        return changes


def _changed(
    graph: fx.GraphModule, name: str, classes: tuple[type[nn.Module], ...], bounds: tuple[str, str]
) -> Iterator[Adjustment]:
    for call in calls(graph, (name,), classes):
        found = [call.option(place, bound) for place, bound in enumerate(bounds, 1)]
        if found == [0, 6] and not isinstance(call.module, nn.ReLU6):
            yield call.replace(call.put(functional.relu6, call.source), name, "relu6", _WHY)
