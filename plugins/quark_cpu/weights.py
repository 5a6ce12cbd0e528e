"""What graph mode notes of the layers with weights, gathered for the kernels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor, fx

from quark_core.engine.authoring import SUFFIX, Note, Quantizer, argument, attribute


@dataclass(frozen=True)
class Weighted:
    """A node that computes a layer with a weight."""

    node: fx.Node
    layer: str
    kind: str
    weight: Tensor
    path: str
    """Name of the weight in the graph module."""
    quantizer: Quantizer | None
    bias: Tensor | None
    has_other_bias: bool
    """Whether there is a bias that is no parameter."""

    @property
    def owner(self) -> tuple[str, str]:
        """Path of the module that holds the weight, and the weight's name there."""
        owner, _, name = self.path.rpartition(".")
        return owner, name


def weighted(graph: fx.GraphModule, node: fx.Node, note: Note) -> Weighted | None:
    """Return what ``node`` computes, or None where it is no layer with a weight."""
    if note.layer is None or note.weight is None:
        return None
    owner, _, name = note.weight.rpartition(".")
    held = graph.get_submodule(owner)
    quantizer: Any = held._modules.get(name + SUFFIX)  # noqa: SLF001  # getattr raises where there is none
    given = argument(node, 2, "bias") if node.op != "call_module" else None
    bias = None if note.bias is None else attribute(graph, note.bias).detach()
    other = isinstance(given, fx.Node) and note.bias is None and note.kind != "embedding"
    weight = graph.get_parameter(note.weight)
    return Weighted(node, note.layer, note.kind, weight, note.weight, quantizer, bias, other)
