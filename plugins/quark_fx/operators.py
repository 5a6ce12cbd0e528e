"""The operators of a graph: what each node computes, on which values, with which parameters, under which name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import fx, nn

from quark_core.engine.authoring import argument
from quark_fx.catalog import SHAPE_ONLY
from quark_fx.kinds import Kind, Role
from quark_fx.names import Names
from quark_fx.recognize import kind_of, label
from quark_fx.values import gives_floats, is_float


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
    modules, names = dict(graph.named_modules()), Names()
    return [found for node in graph.graph.nodes if (found := _operator(node, modules, names)) is not None]


def _operator(node: fx.Node, modules: dict[str, nn.Module], names: Names) -> Operator | Unknown | None:
    if node.op not in ("call_module", "call_function", "call_method"):
        return None
    kind = kind_of(node, modules)
    if kind is not None and kind.role is Role.moving and kind.name != "relu":
        return None
    # Before it is asked what kind of value it gives, so that names do not depend on what is known of values.
    name, types = names.of(node, modules, kind.name if kind else label(node))
    if kind is None:
        known = label(node) in SHAPE_ONLY or not any(map(is_float, node.all_input_nodes))
        return None if known or not gives_floats(node) else Unknown(node, name, types)
    if not is_float(node):
        return None
    weight, bias = _parameters(node, kind, modules)
    if kind.role is Role.weighted and weight is None:
        kind = Kind(kind.name, Role.arithmetic, (0, 1), ("input", "weight"), activation_axis=kind.activation_axis)
    inputs = tuple((given, source) for given, source in _inputs(node, kind) if is_float(source))
    return Operator(node, kind, name, types, inputs, weight, bias)


def parameters_of(node: fx.Node, modules: dict[str, nn.Module]) -> list[Parameter]:
    """Return every parameter that a node computes with by itself."""
    if node.op == "call_module":
        owner = str(node.target)
        return [Parameter(owner, name) for name, _ in modules[owner].named_parameters(recurse=False)]
    return [found for source in node.all_input_nodes if (found := _attribute(source, modules)) is not None]


def groups_of(op: Operator, owner: nn.Module | None) -> int:
    """Return in how many groups a convolution has its channels; ``owner`` is the module that holds its weight."""
    if op.node.op == "call_module":
        return int(getattr(owner, "groups", 1))
    given = argument(op.node, 6, "groups") if op.kind.name.startswith("conv") else None
    return given if isinstance(given, int) else 1


def _inputs(node: fx.Node, kind: Kind) -> Iterator[tuple[str, fx.Node]]:
    if kind.many and isinstance(argument(node, kind.inputs[-1], kind.names[-1]), fx.Node):
        given = node.args[kind.inputs[-1] :]
        yield from ((f"{kind.names[-1]}{i}", item) for i, item in enumerate(given) if isinstance(item, fx.Node))
        return
    for position, name in zip(kind.inputs, kind.names, strict=True):
        value = argument(node, position, name)
        if isinstance(value, fx.Node):
            yield name, value
        elif isinstance(value, list | tuple):
            for index, item in enumerate(value):
                if isinstance(item, fx.Node):
                    yield f"{name}{index}", item


def _parameters(node: fx.Node, kind: Kind, modules: dict[str, nn.Module]) -> tuple[Parameter | None, Parameter | None]:
    if kind.weight is None:
        return None, None
    if node.op == "call_module":
        owner = str(node.target)
        held = dict(modules[owner].named_parameters(recurse=False))
        return tuple(Parameter(owner, name) if name in held else None for name in ("weight", "bias"))  # type: ignore[return-value]  # two of them
    weight = _attribute(argument(node, kind.weight, "weight"), modules)
    bias = _attribute(argument(node, kind.bias, "bias"), modules) if kind.bias is not None else None
    return weight, bias


def _attribute(value: object, modules: dict[str, nn.Module]) -> Parameter | None:
    if not isinstance(value, fx.Node) or value.op != "get_attr":
        return None
    owner, _, name = str(value.target).rpartition(".")
    held = modules[owner]._parameters.get(name) if owner in modules else None  # noqa: SLF001  # getattr finds other things too
    return Parameter(owner, name) if isinstance(held, nn.Parameter) else None
