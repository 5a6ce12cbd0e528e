"""Reads a prepared graph: which operators there are, and which quantizers stand around them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import fx

from quark_core.engine.authoring import Note, Quantizer, argument, note, quantizer_at, quantizer_called

Operand = Quantizer | float | None
"""What an operator computes with: a quantized tensor, a number, or a tensor that is not quantized."""


@dataclass(frozen=True)
class Layer:
    """One operator with the quantizers around it."""

    node: fx.Node
    kind: str
    name: str
    inputs: tuple[Operand, ...]
    outputs: tuple[Quantizer, ...]
    """Those that read its result, behind operators that move values and ReLUs."""
    weight: Quantizer | None = None
    bias: Quantizer | None = None
    parameter: str | None = None
    """Path of the weight."""

    @property
    def quantized(self) -> tuple[Quantizer, ...]:
        """The quantizers of the inputs."""
        return tuple(each for each in self.inputs if isinstance(each, Quantizer))


def layers(graph: fx.GraphModule) -> Iterator[Layer]:
    """Yield the operators of a prepared graph that mode noted down, in its order."""
    for node in graph.graph.nodes:
        found = note(node)
        if found is not None:
            yield _layer(node, found, graph)


def carried(node: fx.Node, graph: fx.GraphModule) -> Quantizer | None:
    """Return the quantizer on whose grid the value of a node is, behind what moves and joins values."""
    own, found = quantizer_called(node, graph), note(node)
    if own is not None or found is None or not (found.moves or found.kind in ("cat", "stack")):
        return own
    sources = {carried(source, graph) for source in operands(node, found) if isinstance(source, fx.Node)}
    return sources.pop() if len(sources) == 1 else None


def operands(node: fx.Node, found: Note) -> list[object]:
    """Return the arguments that an operator computes with, those in lists one by one."""
    given: list[object] = []
    for place, name in zip(found.inputs, found.names, strict=True):
        value = argument(node, place, name)
        given += value if isinstance(value, list | tuple) else [value]
    return given


def parameter_quantizer(graph: fx.GraphModule, path: str | None) -> Quantizer | None:
    """Return the quantizer of a parameter, or None."""
    if path is None:
        return None
    owner, _, name = path.rpartition(".")
    return quantizer_at(graph.get_submodule(owner), name)


def follows(user: fx.Node, node: fx.Node) -> bool:
    """Return whether ``user`` belongs to the operator ``node`` before it: it moves its values, or is its ReLU6."""
    found = note(user)
    fused = found is not None and (found.moves or (found.kind == "relu6" and found.layer is None))
    return found is not None and fused and node in operands(user, found)


def groups_of(node: fx.Node, graph: fx.GraphModule) -> int:
    """Return in how many groups a convolution has its channels."""
    if node.op == "call_module":
        return int(getattr(graph.get_submodule(str(node.target)), "groups", 1))
    found = note(node)
    given = argument(node, 6, "groups") if found is not None and found.kind.startswith("conv") else None
    return given if isinstance(given, int) else 1


def _layer(node: fx.Node, found: Note, graph: fx.GraphModule) -> Layer:
    given = tuple(_operand(value, graph) for value in operands(node, found))
    return Layer(
        node,
        found.kind,
        found.layer or node.name,
        given,
        tuple(dict.fromkeys(_readers(node, graph))),
        parameter_quantizer(graph, found.weight),
        parameter_quantizer(graph, found.bias),
        found.weight,
    )


def _operand(value: object, graph: fx.GraphModule) -> Operand:
    if isinstance(value, fx.Node):
        return carried(value, graph)
    return float(value) if isinstance(value, int | float) else None


def _readers(node: fx.Node, graph: fx.GraphModule) -> Iterator[Quantizer]:
    for user in node.users:
        own = quantizer_called(user, graph)
        if own is not None:
            yield own
        elif follows(user, node):
            yield from _readers(user, graph)


__all__ = ["Layer", "Operand", "carried", "follows", "groups_of", "layers", "operands", "parameter_quantizer"]
