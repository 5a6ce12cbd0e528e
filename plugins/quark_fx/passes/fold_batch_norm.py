"""Folds batch norms into the convolution or linear layer before them."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

import torch
from torch import Tensor, fx, nn

from quark_core.engine.authoring import Norm, argument, folded, own_code
from quark_fx.kinds import Role
from quark_fx.operators import Operator, Parameter, groups_of, operators
from quark_fx.recognize import class_of
from quark_fx.values import shape_of

_FUNCTIONAL = ("running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
_ATEN = ("weight", "bias", "running_mean", "running_var", "training", "momentum", "eps")


def fold_batch_norm(graph: fx.GraphModule) -> None:
    """Fold every batch norm of ``graph`` that can be; the others stay what they are, an affine operator.

    One can be folded when it alone uses the result of a layer with a weight, and that weight is used nowhere else. A
    layer whose class has a forward of its own must compute the same with the folded weight, for random inputs.
    """
    found = {op.node: op for op in operators(graph) if isinstance(op, Operator)}
    uses = _uses(graph)
    for node, op in found.items():
        source = argument(node, 0, "input")
        layer = found.get(source) if isinstance(source, fx.Node) else None
        if op.kind.name != "batch_norm" or layer is None or not _fits(graph, layer, uses):
            continue
        norm = _norm(graph, node)
        if norm is not None and _fold(graph, layer, norm, node):
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
            uses[name] += 2
    return uses


def _fits(graph: fx.GraphModule, layer: Operator, uses: Counter[str]) -> bool:
    kind, weight = layer.kind, layer.weight
    if kind.role is not Role.weighted or weight is None or kind.name == "embedding" or len(layer.node.users) != 1:
        return False
    shape = shape_of(layer.node)
    if shape is None and kind.name == "linear":
        # It may have more axes than one for the batch.
        return False
    if shape is not None and len(shape) != 1 - kind.activation_axis:
        # The norm's channels, axis 1, are those of the layer only where there is one axis for the batch.
        return False
    if layer.node.op != "call_module":
        own = [parameter for parameter in (weight, layer.bias) if parameter is not None]
        return all(uses[parameter.path] == 1 and not uses[parameter.owner] for parameter in own)
    hooked = graph.get_submodule(weight.owner)._forward_hooks  # noqa: SLF001  # has no public name
    return not hooked and uses[weight.owner] == 1 and not uses[weight.path] and not uses[f"{weight.owner}.bias"]


def _norm(graph: fx.GraphModule, node: fx.Node) -> Norm | None:
    """Return what a batch norm does, or None where it uses the statistics of the batch itself."""
    if node.op != "call_module":
        return _functional_norm(graph, node)
    module: Any = graph.get_submodule(str(node.target))
    if module.running_mean is None or module.running_var is None or module.training or module._forward_hooks:  # noqa: SLF001  # has no public name
        return None
    return Norm(module.running_mean, module.running_var, module.weight, module.bias, module.eps)


def _functional_norm(graph: fx.GraphModule, node: fx.Node) -> Norm | None:
    aten = node.target not in (torch.nn.functional.batch_norm,)
    names = _ATEN if aten else _FUNCTIONAL
    given: dict[str, Any] = dict(zip(names, node.args[1:], strict=False)) | dict(node.kwargs)
    held = {name: given.get(name) for name in ("running_mean", "running_var", "weight", "bias")}
    tensors = {name: _value(graph, value) for name, value in held.items()}
    known = all(value is None or tensors[name] is not None for name, value in held.items())
    eps = given.get("eps", 1e-5)
    if given.get("training", False) is not False or not known or not isinstance(eps, float):
        return None
    mean, variance = tensors["running_mean"], tensors["running_var"]
    return None if mean is None or variance is None else Norm(mean, variance, tensors["weight"], tensors["bias"], eps)


def _value(graph: fx.GraphModule, value: object) -> Tensor | None:
    if not isinstance(value, fx.Node) or value.op != "get_attr":
        return None
    owner, _, name = str(value.target).rpartition(".")
    found: Tensor = getattr(graph.get_submodule(owner), name)
    return found


def _fold(graph: fx.GraphModule, layer: Operator, norm: Norm, node: fx.Node) -> bool:
    if layer.weight is None:
        return False
    owner: Any = graph.get_submodule(layer.weight.owner)
    if layer.node.op == "call_module":
        fresh = copy.deepcopy(owner)
        new, moved = _new(layer, owner.weight, owner.bias, groups_of(layer, owner), norm)
        fresh.weight, fresh.bias = nn.Parameter(new), nn.Parameter(moved)
        if not _is_plain(owner) and not _agree(graph, layer, node, fresh):
            return False
        graph.set_submodule(layer.weight.owner, fresh)
        return True
    bias = _value(graph, argument(layer.node, 2, "bias"))
    new, moved = _new(layer, owner.get_parameter(layer.weight.name), bias, groups_of(layer, owner), norm)
    _set_parameter(graph, layer.weight, new)
    _set_bias(graph, layer, moved)
    return True


def _is_plain(module: nn.Module) -> bool:
    cls = class_of(module)
    return cls is not None and own_code(module, cls) is None


def _agree(graph: fx.GraphModule, layer: Operator, norm: fx.Node, fresh: nn.Module) -> bool:
    """Return whether a layer with a forward of its own, such as one that pads, may be folded."""
    shape = shape_of(layer.inputs[0][1]) if len(layer.inputs) == 1 else None
    if shape is None or norm.op != "call_module":
        return False
    owner, after = (graph.get_submodule(str(node.target)) for node in (layer.node, norm))
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(next(owner.parameters()))
    with torch.no_grad():
        expected, found = after(owner(x)), fresh(x)
    return found.shape == expected.shape and bool((found - expected).abs().max() <= 1e-4 * expected.abs().max())


def _new(layer: Operator, weight: Tensor, bias: Tensor | None, groups: int, norm: Norm) -> tuple[Tensor, Tensor]:
    if layer.kind.channel_axis == 0 or groups == 1:
        return folded(weight, bias, norm, layer.kind.channel_axis)
    # Channels of a transposed convolution lie in groups along both axes.
    together = weight.reshape(groups, -1, *weight.shape[1:]).transpose(0, 1).flatten(1, 2)
    new, moved = folded(together, bias, norm, 1)
    apart = new.reshape(new.shape[0], groups, -1, *weight.shape[2:]).transpose(0, 1)
    return apart.reshape(weight.shape), moved


def _set_parameter(graph: fx.GraphModule, place: Parameter, value: Tensor) -> None:
    graph.get_submodule(place.owner).register_parameter(place.name, nn.Parameter(value))


def _set_bias(graph: fx.GraphModule, layer: Operator, value: Tensor) -> None:
    given = argument(layer.node, 2, "bias")
    if isinstance(given, fx.Node):
        owner, _, name = str(given.target).rpartition(".")
        _set_parameter(graph, Parameter(owner, name), value)
        return
    owner = layer.weight.owner if layer.weight else ""
    name = "bias"
    while hasattr(graph.get_submodule(owner), name) and getattr(graph.get_submodule(owner), name) is not None:
        name += "_"
    place = Parameter(owner, name)
    _set_parameter(graph, place, value)
    with graph.graph.inserting_before(layer.node):
        attribute = graph.graph.get_attr(place.path)
    if len(layer.node.args) > 2:
        layer.node.update_arg(2, attribute)
    else:
        layer.node.update_kwarg("bias", attribute)
