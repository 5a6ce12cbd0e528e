"""What is known of the values of a graph without running it, or after running it once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, fx

KEY = "quark_value"
"""Where a node's shape and dtype are kept in its ``meta``; None there for what is no tensor."""
_SIZES = {"size", "dim", "numel", "stride", "ndimension", "element_size", "get_device", "is_floating_point"}
_NOT_TENSORS = {"shape", "dtype", "device", "ndim", "is_cuda", "requires_grad", "layout"}


def annotate(graph: fx.GraphModule, inputs: tuple[Any, ...] | Mapping[str, Any] | None) -> None:
    """Run the graph once on ``inputs`` and keep each value's shape and dtype; without inputs, do nothing."""
    if inputs is None or any("val" in node.meta for node in graph.graph.nodes):
        return
    with torch.no_grad():
        _Recorder(graph).run(*_positional(graph, inputs))


def _positional(graph: fx.GraphModule, inputs: tuple[Any, ...] | Mapping[str, Any]) -> tuple[Any, ...]:
    names = [node.target for node in graph.graph.nodes if node.op == "placeholder"]
    if isinstance(inputs, Mapping):
        return tuple(inputs.get(str(name)) for name in names)
    return (*inputs, *(None,) * (len(names) - len(inputs)))


class _Recorder(fx.Interpreter):
    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, Tensor):
            n.meta[KEY] = (tuple(result.shape), result.dtype)
        elif n.op != "output":
            n.meta[KEY] = None
        return result


def shape_of(node: fx.Node) -> tuple[int, ...] | None:
    """Return the shape of a node's value where it is known; sizes that stay open are those of the example."""
    known = node.meta.get(KEY)
    if known is not None:
        return tuple(known[0])
    return None


def is_float(node: fx.Node) -> bool:
    """Return whether a node's value is a floating-point tensor, as far as can be told."""
    if KEY in node.meta:
        known = node.meta[KEY]
        return known is not None and known[1].is_floating_point
    if "val" in node.meta:
        value = node.meta["val"]
        return isinstance(value, Tensor) and value.is_floating_point()
    return _may_be_tensor(node)


def _may_be_tensor(node: fx.Node) -> bool:
    if node.op == "call_method":
        return node.target not in _SIZES
    if node.op == "call_function" and node.target is getattr:
        return node.args[1] not in _NOT_TENSORS
    if node.op == "call_function" and node.all_input_nodes:
        return any(_may_be_tensor(source) for source in node.all_input_nodes)
    return node.op != "output"
