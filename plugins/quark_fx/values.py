"""What is known of the values of a graph without running it, or after running it once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, fx, nn

from quark_core.engine.authoring import argument
from quark_fx.catalog import INTEGERS
from quark_fx.recognize import kind_of, label

KEY = "quark_value"
"""Where a node's shape and dtype are kept in its ``meta``: None for what is no tensor."""
_GUESS = "quark_float"
_MANY = "quark_many"
_SIZES = {"size", "dim", "numel", "stride", "ndimension", "element_size", "get_device", "is_floating_point"}
_NOT_TENSORS = {"shape", "dtype", "device", "ndim", "is_cuda", "requires_grad", "layout"}


def annotate(graph: fx.GraphModule, inputs: tuple[Any, ...] | Mapping[str, Any] | None) -> None:
    """Run the graph once on ``inputs`` and keep each value's shape and dtype; without inputs, guess which are float."""
    if any("val" in node.meta for node in graph.graph.nodes):
        return
    if inputs is None:
        _guess(graph)
        return
    with torch.no_grad():
        _Recorder(graph).run(*_positional(graph, inputs))


def _positional(graph: fx.GraphModule, inputs: tuple[Any, ...] | Mapping[str, Any]) -> tuple[Any, ...]:
    if not isinstance(inputs, Mapping):
        return inputs
    nodes = graph.graph.find_nodes(op="placeholder")
    return tuple(inputs.get(str(node.target), node.args[0] if node.args else None) for node in nodes)


class _Recorder(fx.Interpreter):
    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, Tensor):
            n.meta[KEY] = (tuple(result.shape), result.dtype)
        elif n.op != "output":
            n.meta[KEY], n.meta[_MANY] = None, _holds_floats(result)
        return result


def shape_of(node: fx.Node) -> tuple[int, ...] | None:
    """Return the shape of a node's value where it is known; sizes that stay open are those of the example."""
    known = node.meta.get(KEY)
    if known is not None:
        return tuple(known[0])
    value = node.meta.get("val")
    if not isinstance(value, Tensor):
        return None
    sizes = [_size(size) for size in value.shape]
    return tuple(size for size in sizes if size is not None) if None not in sizes else None


def _size(size: Any) -> int | None:
    known = size if isinstance(size, int) else size.node.hint
    return None if known is None else int(known)


def is_float(node: fx.Node) -> bool:
    """Return whether a node's value is a floating-point tensor, as far as can be told."""
    if KEY in node.meta:
        known = node.meta[KEY]
        return known is not None and known[1].is_floating_point
    if "val" in node.meta:
        value = node.meta["val"]
        return isinstance(value, Tensor) and value.is_floating_point()
    return bool(node.meta.get(_GUESS, node.op != "output"))


def gives_floats(node: fx.Node) -> bool:
    """Return whether a node's value is a floating-point tensor or a tuple that holds some."""
    many = node.meta.get(_MANY, KEY not in node.meta and _holds_floats(node.meta.get("val")))
    return is_float(node) or bool(many)


def _holds_floats(value: Any) -> bool:
    items = value if isinstance(value, tuple | list) else ()
    return any(_holds_floats(item) or (isinstance(item, Tensor) and item.is_floating_point()) for item in items)


def _guess(graph: fx.GraphModule) -> None:
    modules = dict(graph.named_modules())
    indexes = {_index(node, modules) for node in graph.graph.nodes}
    for node in graph.graph.nodes:
        node.meta[_GUESS] = node not in indexes and _may_be_float(node, modules)


def _index(node: fx.Node, modules: dict[str, nn.Module]) -> Any:
    kind = kind_of(node, modules)
    return argument(node, 0, "input") if kind is not None and kind.name == "embedding" else None


def _may_be_float(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    if node.op in ("placeholder", "get_attr", "output"):
        return node.op != "output"
    kind = kind_of(node, modules)
    if kind is not None and kind.name == "embedding":
        return True
    if node.op != "call_module" and label(node) in INTEGERS | _SIZES:
        return False
    if node.target is getattr and node.args[1] in _NOT_TENSORS:
        return False
    sources = node.all_input_nodes
    return not sources or any(source.meta[_GUESS] for source in sources)
