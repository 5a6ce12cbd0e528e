"""What graph mode notes on the nodes of its graphs, for devices that read them and for replays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import fx, nn

_NOTE, _RESULT, _CODES, _KIND = "quark_note", "quark_result", "quark_codes", "quark_kind"


@dataclass(frozen=True)
class Note:
    """What a node computes."""

    kind: str
    """The operator as capabilities name it: ``conv2d``, ``add``, ``relu``, ``max_pool``, ``reshape``."""
    layer: str | None = None
    """Its layer in the plan; None for what only moves or picks values."""
    moves: bool = False
    """Whether it only moves or picks values, or is a ReLU, so that its result is on the grid of its input."""
    inputs: tuple[int, ...] = (0,)
    """Positions of its activations among the arguments; an argument that is a list holds several."""
    names: tuple[str, ...] = ("input",)
    """Their names as keyword arguments."""
    weight: str | None = None
    """Name of the parameter in the graph module, or None."""
    bias: str | None = None


def note(node: fx.Node) -> Note | None:
    """Return what is known of a node of graph mode, or None."""
    found: Note | None = node.meta.get(_NOTE)
    return found


def set_note(node: fx.Node, value: Note) -> None:
    """Write what a node computes; for modes."""
    node.meta[_NOTE] = value


def noted_layers(model: nn.Module) -> set[str]:
    """Return the layers that the nodes of a graph compute; empty for models of modules."""
    notes = (note(node) for node in model.graph.nodes) if isinstance(model, fx.GraphModule) else ()
    return {found.layer for found in notes if found is not None and found.layer is not None}


def result_of(node: fx.Node) -> str | None:
    """Return the layer whose output is the value of a node: the operator, its ReLU or its output quantizer."""
    found: str | None = node.meta.get(_RESULT)
    return found


def set_result(node: fx.Node, layer: str | None) -> None:
    """Write whose output a node's value is; for modes, and for devices that replace nodes."""
    node.meta[_RESULT] = layer


def codes_of(node: fx.Node) -> tuple[float, int] | None:
    """Return scale and zero point where the value of a node are integer codes."""
    found: tuple[float, int] | None = node.meta.get(_CODES)
    return found


def set_codes(node: fx.Node, scale: float, zero_point: int) -> None:
    """Write that the value of a node are integer codes of ``(code - zero_point) * scale``; for devices."""
    node.meta[_CODES] = (scale, zero_point)


@dataclass(frozen=True)
class Declared:
    """What a function that a device puts into graphs says of itself."""

    kind: str
    inputs: tuple[int, ...] = (0,)
    names: tuple[str, ...] = ("input",)


def declare(function: Any, declared: Declared) -> Any:
    """Make ``function`` an operator that graph mode knows, and return it.

    It is quantized as activations are: by the rules at the root where the device's capabilities name its kind.
    """
    setattr(function, _KIND, declared)
    return function


def declared(target: object) -> Declared | None:
    """Return what a function says of itself, or None."""
    found: Declared | None = getattr(target, _KIND, None) if callable(target) else None
    return found


def argument(node: fx.Node, position: int, name: str) -> Any:
    """Return an argument of a node, or None where it was not given."""
    return node.args[position] if position < len(node.args) else node.kwargs.get(name)


def attribute(graph: nn.Module, path: str) -> Any:
    """Return what stands at a dotted path in a module."""
    owner, _, name = path.rpartition(".")
    return getattr(graph.get_submodule(owner), name)
