"""The operators of a graph: what each node computes, on which values, with which parameters, under which name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn

from quark_fx.catalog import ATEN, FUNCTIONS, METHODS, MODULES, Kind, Role
from quark_fx.values import is_float


@dataclass(frozen=True)
class Parameter:
    """A parameter or buffer of the graph module."""

    owner: str
    name: str

    @property
    def path(self) -> str:
        """Its name in the state dict."""
        return f"{self.owner}.{self.name}" if self.owner else self.name


@dataclass(frozen=True)
class Operator:
    """One node that computes something known."""

    node: fx.Node
    kind: Kind
    name: str
    types: tuple[str, ...]
    inputs: tuple[tuple[str, fx.Node], ...]
    """Names and nodes of the activations that are floating-point tensors."""
    weight: Parameter | None = None
    bias: Parameter | None = None


@dataclass(frozen=True)
class Unknown:
    """One node that computes something that is not known."""

    node: fx.Node
    name: str
    types: tuple[str, ...]


def operators(graph: fx.GraphModule) -> list[Operator | Unknown]:
    """Return what the nodes of ``graph`` compute, in its order; only those that give floating-point tensors."""
    modules, names = dict(graph.named_modules()), _Names()
    return [found for node in graph.graph.nodes if (found := _operator(node, modules, names)) is not None]


def kind_of(node: fx.Node, modules: dict[str, nn.Module]) -> Kind | None:
    """Return the kind of operator that a node is, or None."""
    if node.op == "call_module":
        module = modules[str(node.target)]
        kind = next((kind for cls, kind in MODULES.items() if isinstance(module, cls)), None)
        return _special(node, kind, getattr(module, "mode", None))
    if node.op == "call_method":
        return METHODS.get(str(node.target))
    if node.op != "call_function":
        return None
    if isinstance(node.target, torch._ops.OpOverload):  # noqa: SLF001  # has no public name
        return _special(node, ATEN.get(_label(node)) if node.target.namespace == "aten" else None, None)
    return _special(node, FUNCTIONS.get(node.target), node.kwargs.get("mode"))


def _special(node: fx.Node, kind: Kind | None, mode: object) -> Kind | None:
    """Return the kind of operators that are known by more than their name."""
    if kind is not None and kind.name == "interpolate" and mode == "nearest":
        return Kind("upsample_nearest", Role.moving)
    if kind is None and getattr(node.target, "__name__", "").partition(".")[0] == "pad":
        args = dict(enumerate(node.args))
        how = node.kwargs.get("mode", args.get(2, "constant"))
        value = node.kwargs.get("value", args.get(3))
        # Zero is on every grid, other constants need not be.
        return Kind("pad", Role.moving) if how != "constant" or not value else None
    return kind


def _operator(node: fx.Node, modules: dict[str, nn.Module], names: _Names) -> Operator | Unknown | None:
    if node.op not in ("call_module", "call_function", "call_method"):
        return None
    kind = kind_of(node, modules)
    if kind is not None and kind.role is Role.moving and kind.name != "relu":
        return None
    # Before it is asked what kind of value it gives, so that names do not depend on what is known of values.
    name, types = names.of(node, modules, kind.name if kind else _label(node))
    if not is_float(node):
        return None
    if kind is None:
        return Unknown(node, name, types) if any(map(is_float, node.all_input_nodes)) else None
    weight, bias = _parameters(node, kind, modules)
    if kind.role is Role.weighted and weight is None:
        kind = Kind(kind.name, Role.arithmetic, (0, 1), ("input", "weight"), activation_axis=kind.activation_axis)
    inputs = tuple((given, source) for given, source in _inputs(node, kind) if is_float(source))
    return Operator(node, kind, name, types, inputs, weight, bias)


def _label(node: fx.Node) -> str:
    if isinstance(node.target, torch._ops.OpOverload):  # noqa: SLF001  # has no public name
        return str(node.target.overloadpacket.__name__)
    return str(node.target) if isinstance(node.target, str) else str(getattr(node.target, "__name__", node.name))


def _argument(node: fx.Node, position: int, name: str) -> Any:
    return node.args[position] if position < len(node.args) else node.kwargs.get(name)


def _inputs(node: fx.Node, kind: Kind) -> Iterator[tuple[str, fx.Node]]:
    for position, name in zip(kind.inputs, kind.names, strict=True):
        argument = _argument(node, position, name)
        if isinstance(argument, fx.Node):
            yield name, argument
        elif isinstance(argument, list | tuple):
            for index, item in enumerate(argument):
                if isinstance(item, fx.Node):
                    yield f"{name}{index}", item


def _parameters(node: fx.Node, kind: Kind, modules: dict[str, nn.Module]) -> tuple[Parameter | None, Parameter | None]:
    if kind.weight is None:
        return None, None
    if node.op == "call_module":
        owner = str(node.target)
        held = dict(modules[owner].named_parameters(recurse=False))
        return tuple(Parameter(owner, name) if name in held else None for name in ("weight", "bias"))  # type: ignore[return-value]  # two of them
    weight = _attribute(_argument(node, kind.weight, "weight"), modules)
    bias = _attribute(_argument(node, kind.bias, "bias"), modules) if kind.bias is not None else None
    return weight, bias


def _attribute(argument: object, modules: dict[str, nn.Module]) -> Parameter | None:
    if not isinstance(argument, fx.Node) or argument.op != "get_attr":
        return None
    owner, _, name = str(argument.target).rpartition(".")
    held = modules[owner]._parameters.get(name) if owner in modules else None  # noqa: SLF001  # getattr finds other things too
    return Parameter(owner, name) if isinstance(held, nn.Parameter) else None


class _Names:
    """Gives each operator a name that is stable, readable and its own: the module's path, or the function in it."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, node: fx.Node, modules: dict[str, nn.Module], label: str) -> tuple[str, tuple[str, ...]]:
        """Return name and types of a node whose operator is called ``label``."""
        if node.op == "call_module":
            classes = type(modules[str(node.target)]).__mro__
            names = [cls.__name__ for cls in classes if issubclass(cls, nn.Module) and cls is not nn.Module]
            return self._free(str(node.target), "call"), tuple(dict.fromkeys((*names, label)))
        path, cls = _scope(node)
        if _is_module_of(cls, label):
            return self._free(path, "call"), (cls.rpartition(".")[2], label)
        return self._free(f"{path}.{label}" if path else label, ""), (label,)

    def _free(self, name: str, word: str) -> str:
        chosen, count = name, 1
        while chosen in self._taken:
            count += 1
            chosen = f"{name}.{word}{count}" if word else f"{name}_{count}"
        self._taken.add(chosen)
        return chosen


def _scope(node: fx.Node) -> tuple[str, str]:
    """Return the path and the qualified class name of the module whose forward made a node."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    if not stack:
        return "", ""
    path, cls = stack[-1]
    return str(path), cls if isinstance(cls, str) else f"{cls.__module__}.{cls.__qualname__}"


def _is_module_of(cls: str, label: str) -> bool:
    """Return whether an operator is all that a class of torch.nn computes."""
    if not cls.startswith("torch.nn.modules."):
        return False
    found = getattr(nn, cls.rpartition(".")[2], None)
    return found is not None and MODULES.get(found, Kind("", Role.moving)).name == label
