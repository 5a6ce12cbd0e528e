"""What graph mode notes on the nodes of its graphs, for devices that read them and for replays."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    types: tuple[str, ...] = field(default=())
    """Further names that ``type:`` patterns match."""


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


@dataclass(frozen=True)
class Convolution:
    """How a convolution walks; each tuple has one number for each axis."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int


def convolution(node: fx.Node, graph: fx.GraphModule) -> Convolution | None:
    """Return how a convolution node (conv1d, conv2d or conv3d, a module or a function) walks over its input.

    None where it pads by anything but a fixed number of zeros.
    """
    found = note(node)
    if found is None or found.weight is None:
        return None
    rank = graph.get_parameter(found.weight).dim() - 2
    if node.op == "call_module":
        module: Any = graph.get_submodule(str(node.target))
        if module.padding_mode != "zeros":
            return None
        given = (module.stride, module.padding, module.dilation, module.groups)
    else:
        names = ("stride", "padding", "dilation", "groups")
        given = tuple(  # type: ignore[assignment]  # four of them
            default if (value := argument(node, position, name)) is None else value
            for position, (name, default) in enumerate(zip(names, (1, 0, 1, 1), strict=True), 3)
        )
    stride, padding, dilation, groups = given
    if padding == "valid":
        padding = 0
    if isinstance(padding, str):
        return None
    return Convolution(_tuple(stride, rank), _tuple(padding, rank), _tuple(dilation, rank), int(groups))


def _tuple(value: Any, rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value) * (rank if len(value) == 1 else 1)


def attribute(graph: nn.Module, path: str) -> Any:
    """Return what stands at a dotted path in a module."""
    owner, _, name = path.rpartition(".")
    return getattr(graph.get_submodule(owner), name)
