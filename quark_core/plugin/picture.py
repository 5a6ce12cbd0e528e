"""A model's graph as it is drawn: what computes, and what each edge carries. Plain data, free of torch."""

from dataclasses import dataclass
from typing import Literal

Look = Literal["quantized", "float", "moving", "end"]


@dataclass(frozen=True)
class PictureNode:
    """One operator, or an input, an output or a parameter of the model."""

    name: str
    """Its own among the nodes of the picture."""
    kind: str
    """What it computes: ``conv2d``, ``conv2d + relu``, ``input``."""
    weight: str = ""
    """What its weight is quantized as, empty where it stays as it is."""
    note: str = ""
    """Why it stays float, and whatever else is to be said of it."""
    look: Look = "float"
    """``moving``: it only moves or picks values; ``end``: it computes nothing."""


@dataclass(frozen=True)
class PictureEdge:
    """One value on its way from one node to another, both given by name."""

    source: str
    target: str
    carries: str
    """``uint8 per_tensor asym``, ``float32``."""
    shape: tuple[int, ...] | None = None
    scale: str = ""
    """Key of the tensor whose quantizer made the values, empty where none did; equal keys are one scale."""


@dataclass(frozen=True)
class Picture:
    """The graph of a model, in the order in which it is computed."""

    nodes: tuple[PictureNode, ...]
    edges: tuple[PictureEdge, ...]
