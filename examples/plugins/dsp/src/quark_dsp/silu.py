"""The graph pass: SiLU becomes an operator that the DSP has."""

from __future__ import annotations

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from quark_core.engine.authoring import Declared, argument, declare
from quark_core.plugin import Adjustment

_FUNCTIONS = (functional.silu, torch.ops.aten.silu.default, torch.ops.aten.silu_.default)


def hard_silu(x: Tensor) -> Tensor:
    """Return ``x * hardsigmoid(x)``; floating point, any shape."""
    return x * functional.hardsigmoid(x)


declare(hard_silu, Declared("hard_silu"))


class HardSilu:
    """Writes x times hard sigmoid of x where a graph has SiLU of x; off by at most 0.07 |x|."""

    name = "hard_silu"

    def __call__(self, graph: fx.GraphModule) -> list[Adjustment]:
        """Change ``graph`` in place and return what was changed."""
        changes = [_replaced(graph, node) for node in list(graph.graph.nodes) if _is_silu(graph, node)]
        graph.delete_all_unused_submodules()
        graph.recompile()
        return changes


def _is_silu(graph: fx.GraphModule, node: fx.Node) -> bool:
    if node.op == "call_module":
        return type(graph.get_submodule(str(node.target))) is nn.SiLU
    return node.op == "call_function" and node.target in _FUNCTIONS


def _replaced(graph: fx.GraphModule, node: fx.Node) -> Adjustment:
    layer = str(node.target) if node.op == "call_module" else node.name
    with graph.graph.inserting_before(node):
        made = graph.graph.call_function(hard_silu, (argument(node, 0, "input"),))
    made.meta = dict(node.meta)
    node.replace_all_uses_with(made)
    graph.graph.erase_node(node)
    why = "the DSP has no exponential; x * hardsigmoid(x) is off by at most 0.07 |x|"
    return Adjustment(layer, "SiLU", "hard_silu", why)
