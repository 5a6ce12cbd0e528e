"""SiLU and hard swish as a hard sigmoid and a product."""

from __future__ import annotations

import operator
from collections.abc import Iterator

from torch import fx, nn

from quark_core.plugin import Adjustment
from quark_ipu.functions import hard_sigmoid, swish_multiply
from quark_ipu.rewriting import Call, calls, tidy

_WHY = "the IPU computes x * clamp(x + 3, 0, 6) * 2731 / 2^14; off by at most |x| times "
_ROUGH, _FINE = "0.07", "2^-13"
_PRODUCT = "one factor is the hard sigmoid of the other, for which the IPU has tighter shifts; exact"


class Swish:
    """Makes SiLU and hard swish two operators: a hard sigmoid, and the product of its result with its input.

    Off by at most 0.07 |x| from SiLU, and by at most 2^-13 |x| from hard swish. Products that are written out,
    ``x * sigmoid(x)``, become the same second operator; runs behind ``HardSigmoid``.
    """

    name = "swish"

    def __call__(self, graph: fx.GraphModule) -> list[Adjustment]:
        """Change ``graph`` in place and return what was changed."""
        changes = [
            *_changed(graph, "silu", nn.SiLU, _ROUGH),
            *_changed(graph, "hardswish", nn.Hardswish, _FINE),
            *_products(graph),
        ]
        tidy(graph)
        return changes


def _changed(graph: fx.GraphModule, name: str, cls: type[nn.Module], bound: str) -> Iterator[Adjustment]:
    for call in calls(graph, (name,), (cls,)):
        made = call.put(swish_multiply, call.source, call.put(hard_sigmoid, call.source))
        yield call.replace(made, name, "hard sigmoid and product", _WHY + bound)


def _products(graph: fx.GraphModule) -> Iterator[Adjustment]:
    plain = [Call(graph, node, None) for node in graph.graph.nodes if node.target is operator.mul]
    for call in [*plain, *calls(graph, ("mul", "multiply"), ())]:
        pair = call.node.args if len(call.node.args) == 2 else (None, None)
        for x, gate in (pair, pair[::-1]):
            if isinstance(gate, fx.Node) and gate.target is hard_sigmoid and gate.args[0] is x:
                yield call.replace(call.put(swish_multiply, x, gate), "mul", "product of swish", _PRODUCT)
                break
