"""Finds the quantizer of a tensor: at a module, at a node of a graph, and behind operators that only move values."""

from __future__ import annotations

from typing import Any

from torch import fx, nn

from quark_core.engine.marks import argument, note
from quark_core.engine.quantizer import SUFFIX, Quantizer


def quantizer_at(module: nn.Module, name: str) -> Quantizer | None:
    """Return the quantizer of the tensor ``name`` of ``module``, such as ``weight`` or ``input``; None without one."""
    found = getattr(module, name + SUFFIX, None)
    return found if isinstance(found, Quantizer) else None


def quantizer_called(node: Any, graph: fx.GraphModule) -> Quantizer | None:
    """Return the quantizer that a node of ``graph`` calls; None for other nodes, and for what is no node."""
    if not isinstance(node, fx.Node) or node.op != "call_module":
        return None
    module = graph.get_submodule(str(node.target))
    return module if isinstance(module, Quantizer) else None


def quantizer_behind(node: Any, graph: fx.GraphModule) -> Quantizer | None:
    """Return the quantizer on whose grid the values of a node lie, behind operators that only move or pick values."""
    while isinstance(node, fx.Node) and (known := note(node)) is not None and known.moves:
        node = argument(node, 0, "input")
    return quantizer_called(node, graph)
