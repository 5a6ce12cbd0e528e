"""Turns operators that work in place into those that give a new value, so that a quantizer may stand between them."""

from __future__ import annotations

import copy
import operator
from typing import Any

import torch
from torch import Tensor, fx, nn

from quark_fx.catalog_names import VIEWS
from quark_fx.recognize import kind_of, label
from quark_fx.values import is_float

_OPERATORS: dict[Any, Any] = {
    operator.iadd: operator.add,
    operator.isub: operator.sub,
    operator.imul: operator.mul,
    operator.itruediv: operator.truediv,
    operator.imatmul: operator.matmul,
}
_SAME = {"requires_grad_"}


def without_mutation(graph: fx.GraphModule) -> None:
    """Change ``graph`` to one that computes the same and writes into no value.

    Raises ValueError where a value is changed that another one, used later, is a view of.
    """
    modules = dict(graph.named_modules())
    order = {node: index for index, node in enumerate(graph.graph.nodes)}
    for node in list(graph.graph.nodes):
        if not _works_in_place(node, modules):
            continue
        changed = node.args[0] if node.args else node.kwargs.get("input")
        if isinstance(changed, fx.Node) and is_float(changed):
            _check_views(node, changed, order, modules)
            for user in [user for user in changed.users if order[user] > order[node]]:
                user.replace_input_with(changed, node)
        _make_pure(graph, node, modules)
    graph.recompile()


def _works_in_place(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    if node.op == "call_module":
        return bool(getattr(modules[str(node.target)], "inplace", False))
    if node.op == "call_method":
        return str(node.target).endswith("_") and not str(node.target).endswith("__") and node.target not in _SAME
    if node.op != "call_function":
        return False
    if isinstance(node.target, torch._ops.OpOverload):  # noqa: SLF001  # has no public name
        return bool(node.target._schema.is_mutable) and node.target.namespace == "aten"  # noqa: SLF001  # as above
    # Of Python's operators, and_ and its like end so because the plain names are keywords.
    named = label(node).endswith("_") and getattr(node.target, "__module__", "") != "_operator"
    return node.target in _OPERATORS or node.kwargs.get("inplace") is True or named


def _make_pure(graph: fx.GraphModule, node: fx.Node, modules: dict[str, nn.Module]) -> None:
    if node.op == "call_module":
        fresh: Any = copy.copy(modules[str(node.target)])
        fresh.inplace = False
        graph.set_submodule(str(node.target), fresh)
    elif node.op == "call_method":
        node.target = _existing(Tensor, str(node.target)[:-1])
    elif isinstance(node.target, torch._ops.OpOverload):  # noqa: SLF001  # as above
        packet = _existing(torch.ops.aten, label(node)[:-1], getattr(torch.ops.aten, label(node)[:-1], None))
        node.target = getattr(packet, node.target._overloadname)  # noqa: SLF001  # as above
    elif node.target in _OPERATORS:
        node.target = _OPERATORS[node.target]
    elif node.kwargs.get("inplace"):
        node.kwargs = {**node.kwargs, "inplace": False}
    else:
        name = label(node)[:-1]
        node.target = getattr(torch.nn.functional, name, None) or _existing(torch, name, getattr(torch, name, None))


def _existing(owner: Any, name: str, found: Any = None) -> Any:
    if not hasattr(owner, name):
        raise ValueError(f"{name}_ works in place, and has no form that gives a new value")
    return name if found is None else found


def _check_views(node: fx.Node, changed: fx.Node, order: dict[fx.Node, int], modules: dict[str, nn.Module]) -> None:
    for other in _family(_root(changed, modules), modules):
        if other is not changed and any(order[user] > order[node] for user in other.users):
            raise ValueError(f"{label(node)} changes {changed.name} in place, and {other.name} may be a view of it")


def _root(node: fx.Node, modules: dict[str, nn.Module]) -> fx.Node:
    while _is_view(node, modules) and node.args and isinstance(node.args[0], fx.Node):
        node = node.args[0]
    return node


def _family(root: fx.Node, modules: dict[str, nn.Module]) -> list[fx.Node]:
    family = [root]
    for node in family:
        family += [user for user in node.users if _is_view(user, modules) and user.args[:1] == (node,)]
    return family


def _is_view(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    kind = kind_of(node, modules)
    return kind is not None and kind.name in VIEWS
