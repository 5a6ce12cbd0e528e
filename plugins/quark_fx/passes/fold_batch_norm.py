"""Folds batch norms into the convolution or linear layer before them."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

import torch
from torch import Tensor, fx, nn

from quark_core.engine.authoring import Norm, folded
from quark_fx.catalog import Role
from quark_fx.operators import Operator, Parameter, operators

_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def fold_batch_norm(graph: fx.GraphModule) -> None:
    """Fold every batch norm of ``graph`` that can be; the others stay what they are, an affine operator.

    One can be folded when it alone uses the result of a layer with a weight, and that weight is used nowhere else.
    """
    found = {op.node: op for op in operators(graph) if isinstance(op, Operator)}
    uses = _uses(graph)
    for node, op in found.items():
        source = node.args[0] if node.args else None
        layer = found.get(source) if isinstance(source, fx.Node) else None
        if op.kind.name != "batch_norm" or layer is None or not _fits(layer, uses):
            continue
        norm = _norm(graph, node)
        if norm is not None:
            _fold(graph, layer, norm)
            node.replace_all_uses_with(layer.node)
            graph.graph.erase_node(node)
    graph.graph.eliminate_dead_code()
    graph.delete_all_unused_submodules()
    graph.recompile()


def _uses(graph: fx.GraphModule) -> Counter[str]:
    """Count the calls of each module, and the uses of each attribute."""
    uses: Counter[str] = Counter()
    for node in graph.graph.nodes:
        if node.op == "call_module":
            uses[str(node.target)] += 1
        elif node.op == "get_attr":
            uses[str(node.target)] += len(node.users)
    # A parameter under two names is one that several use.
    names = [name for name, _ in graph.named_parameters(remove_duplicate=False)]
    shared = Counter(id(graph.get_parameter(name)) for name in names)
    for name in names:
        if shared[id(graph.get_parameter(name))] > 1:
            uses[name] += 1
            uses[name.rpartition(".")[0]] += 1
    return uses


def _fits(layer: Operator, uses: Counter[str]) -> bool:
    if layer.kind.role is not Role.weighted or layer.weight is None or len(layer.node.users) != 1:
        return False
    if layer.kind.name == "embedding":
        return False
    if layer.node.op == "call_module":
        return uses[layer.weight.owner] == 1
    return uses[layer.weight.path] == 1 and not uses[layer.weight.owner]


def _norm(graph: fx.GraphModule, node: fx.Node) -> Norm | None:
    """Return what a batch norm does, or None where it uses the statistics of the batch itself."""
    if node.op != "call_module":
        return _aten_norm(graph, node) if isinstance(node.target, torch._ops.OpOverload) else None  # noqa: SLF001  # has no public name
    module = graph.get_submodule(str(node.target))
    if not isinstance(module, _BATCH_NORMS) or module.running_mean is None or module.running_var is None:
        return None
    if module.training:
        return None
    return Norm(module.running_mean, module.running_var, module.weight, module.bias, module.eps)


def _aten_norm(graph: fx.GraphModule, node: fx.Node) -> Norm | None:
    # aten.batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, cudnn_enabled)
    weight, bias, mean, variance = (_value(graph, argument) for argument in node.args[1:5])
    if node.args[5] or mean is None or variance is None:
        return None
    return Norm(mean, variance, weight, bias, float(str(node.args[7])))


def _value(graph: fx.GraphModule, argument: object) -> Tensor | None:
    if not isinstance(argument, fx.Node) or argument.op != "get_attr":
        return None
    owner, _, name = str(argument.target).rpartition(".")
    found: Tensor = getattr(graph.get_submodule(owner), name)
    return found


def _fold(graph: fx.GraphModule, layer: Operator, norm: Norm) -> None:
    if layer.weight is None:
        return
    owner: Any = graph.get_submodule(layer.weight.owner)
    weight = owner.get_parameter(layer.weight.name)
    bias = owner.get_parameter(layer.bias.name) if layer.bias else None
    groups = getattr(owner, "groups", 1)
    if layer.kind.channel_axis == 1 and groups > 1:
        # Channels of a transposed convolution lie in groups along both axes.
        factors = weight.reshape(groups, -1, *weight.shape[1:]).transpose(0, 1).flatten(1, 2)
        new, moved = folded(factors, bias, norm, 1)
        new = new.reshape(new.shape[0], groups, -1, *weight.shape[2:]).transpose(0, 1).reshape(weight.shape)
    else:
        new, moved = folded(weight, bias, norm, layer.kind.channel_axis)
    if layer.node.op == "call_module":
        fresh = copy.deepcopy(owner)
        fresh.weight, fresh.bias = nn.Parameter(new), nn.Parameter(moved)
        graph.set_submodule(layer.weight.owner, fresh)
        return
    _set_parameter(graph, layer.weight, new)
    place = layer.bias or Parameter(layer.weight.owner, "bias")
    _set_parameter(graph, place, moved)
    if layer.bias is None:
        with graph.graph.inserting_before(layer.node):
            attribute = graph.graph.get_attr(place.path)
        layer.node.args = (*layer.node.args[:2], attribute, *layer.node.args[3:])


def _set_parameter(graph: fx.GraphModule, place: Parameter, value: Tensor) -> None:
    graph.get_submodule(place.owner).register_parameter(place.name, nn.Parameter(value))
