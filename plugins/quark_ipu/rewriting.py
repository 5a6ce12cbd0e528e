"""How the passes find operators in a graph, whatever traced it, and put others in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from quark_core.engine.authoring import argument, own_code
from quark_core.plugin import Adjustment

_NAMESPACES = (functional, torch, torch.special, torch._C._nn)  # noqa: SLF001  # where the functions behind functional stand
_STACK = "nn_module_stack"


@dataclass(frozen=True)
class Call:
    """A node that calls one operator, under any of the names that it has."""

    graph: fx.GraphModule
    node: fx.Node
    module: nn.Module | None
    """The module that the node calls, or None."""

    @property
    def source(self) -> fx.Node:
        """The value that it works on."""
        found = argument(self.node, 0, "input")
        if not isinstance(found, fx.Node):
            raise TypeError(f"{self.node}: its input is no value of the graph")
        return found

    def option(self, position: int, name: str, default: Any = None) -> Any:
        """Return an option: of the module, or the argument of the function (its input is the argument 0)."""
        found = getattr(self.module, name, None) if self.module else argument(self.node, position, name)
        return default if found is None else found

    @property
    def layer(self) -> str:
        """What reports call it: the path of its module, or the function within that."""
        if self.module is not None:
            return str(self.node.target)
        scopes = list((self.node.meta.get(_STACK) or {}).values())
        path = str(scopes[-1][0]) if scopes else ""
        return f"{path}.{self.node.name}" if path else self.node.name

    def put(self, function: Callable[..., Tensor], *args: Any) -> fx.Node:
        """Return a new node before this one that calls ``function``, and is said to come from the same module."""
        with self.graph.graph.inserting_before(self.node):
            made = self.graph.graph.call_function(function, args)
        made.meta = dict(self.node.meta)
        if self.module is not None:
            path = str(self.node.target)
            made.meta[_STACK] = {**(self.node.meta.get(_STACK) or {}), path: (path, type(self.module))}
        return made

    def replace(self, by: fx.Node, before: str, after: str, why: str) -> Adjustment:
        """Let ``by`` take the place of the node, and return what reports say of it."""
        layer = self.layer
        self.node.replace_all_uses_with(by, lambda user: user is not by)
        self.graph.graph.erase_node(self.node)
        return Adjustment(layer, before, after, why)


def calls(graph: fx.GraphModule, names: tuple[str, ...], classes: tuple[type[nn.Module], ...]) -> Iterator[Call]:
    """Yield the nodes that call functions, methods or aten operators of ``names``, or modules of ``classes``.

    Subclasses with a forward of their own compute something else.
    """
    modules = dict(graph.named_modules())
    for node in list(graph.graph.nodes):
        if node.op == "call_module":
            module = modules[str(node.target)]
            if isinstance(module, classes) and own_code(module, *classes) is None:
                yield Call(graph, node, module)
        elif _name(node) in names:
            yield Call(graph, node, None)


def _name(node: fx.Node) -> str | None:
    if node.op == "call_method":
        return str(node.target)
    if node.op != "call_function":
        return None
    if isinstance(node.target, torch._ops.OpOverload):  # noqa: SLF001  # has no public name
        return str(node.target.overloadpacket.__name__) if node.target.namespace == "aten" else None
    name = str(getattr(node.target, "__name__", ""))
    return name if any(getattr(owner, name, None) is node.target for owner in _NAMESPACES) else None


def tidy(graph: fx.GraphModule) -> None:
    """Drop modules that nothing calls any more, check the graph and write its code anew."""
    graph.delete_all_unused_submodules()
    graph.graph.lint()
    graph.recompile()


def each(value: int | tuple[int, ...] | list[int], rank: int) -> tuple[int, ...]:
    """Return one number for each of ``rank`` axes."""
    found = (value,) if isinstance(value, int) else tuple(value)
    return found * rank if len(found) == 1 else found
