"""Lowers graphs: each node that computes a linear layer or a convolution calls a layer of the DSP instead."""

from __future__ import annotations

from typing import Any

from torch import fx, nn

from quark_core.engine.authoring import (
    Note,
    argument,
    attribute,
    convolution,
    note,
    quantizer_at,
    quantizer_behind,
)
from quark_core.plugin import LayerPath
from quark_dsp.layers import IntegerConv2d, IntegerLinear
from quark_dsp.modules import CONV2D, LINEAR, lower_modules, own_forward
from quark_dsp.operands import no_operands, operands


def lower_graph(graph: fx.GraphModule) -> nn.Module:
    """Return ``graph``, changed in place; its ``layer_paths`` say how each quantized layer computes."""
    # Modules that a graph keeps whole have layers within, as models of modules have.
    lower_modules(graph)
    paths: Any = graph.layer_paths
    for node in list(graph.graph.nodes):
        found = note(node)
        if found and found.layer is not None and found.weight and found.kind in ("linear", "conv2d"):
            paths[found.layer] = _lower(graph, node, found)
    graph.recompile()
    return graph


def _lower(graph: fx.GraphModule, node: fx.Node, found: Note) -> LayerPath:
    owner, _, name = str(found.weight).rpartition(".")
    weight = quantizer_at(graph.get_submodule(owner), name)
    source = quantizer_behind(argument(node, 0, "input"), graph)
    why = _why_not(graph, node, found) or no_operands(weight, source)
    if why or weight is None or source is None:
        return LayerPath("simulated", why or "")
    bias = None if found.bias is None else attribute(graph, found.bias)
    own = operands(weight, source, tuple(graph.get_parameter(str(found.weight)).shape), bias)
    how = convolution(node, graph) if found.kind == "conv2d" else None
    _put(graph, node, IntegerLinear(own) if how is None else IntegerConv2d(own, how))
    return LINEAR if how is None else CONV2D


def _why_not(graph: fx.GraphModule, node: fx.Node, found: Note) -> str | None:
    if node.op == "call_module" and own_forward(graph.get_submodule(str(node.target))):
        return "its class computes more than its kind of layer does"
    if found.kind == "conv2d" and convolution(node, graph) is None:
        return "it does more than to pad with zeros and to convolve"
    if node.op != "call_module" and found.bias is None and argument(node, 2, "bias") is not None:
        return "its bias is computed by the model"
    return None


def _put(graph: fx.GraphModule, node: fx.Node, made: nn.Module) -> None:
    """Let ``node`` call ``made``; the quantizer before it stays, since codes of its results are those of its input."""
    target = f"dsp_{node.name}"
    graph.add_submodule(target, made.train(graph.training))
    with graph.graph.inserting_before(node):
        new = graph.graph.call_module(target, (argument(node, 0, "input"),))
    # The marks say whose output this is, which replays look for.
    new.meta = dict(node.meta)
    node.replace_all_uses_with(new)
    graph.graph.erase_node(node)
