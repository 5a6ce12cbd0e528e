"""What graph mode knows of a kind of operator: its inputs, weight and axes, and what quantization means there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Role(Enum):
    """What quantization means for a kind of operator."""

    weighted = auto()
    """Has a weight that can be quantized."""
    arithmetic = auto()
    """Computes with activations only; the rules at the root reach it."""
    joining = auto()
    """Copies values of several tensors into one, so that they must share a scale."""
    activation = auto()
    """Known, but quantized only on request."""
    moving = auto()
    """Moves or picks values: what was quantized before is so afterwards."""


@dataclass(frozen=True)
class Kind:
    """One kind of operator: ``inputs`` are its activations, by position; a list there is many of them."""

    name: str
    role: Role
    inputs: tuple[int, ...] = (0,)
    names: tuple[str, ...] = ("input",)
    """Names of the inputs, in the outline and as keyword arguments."""
    weight: int | None = None
    bias: int | None = None
    channel_axis: int = 0
    group_axis: int = 1
    """Axes of the weight."""
    activation_axis: int = -1
    """Channels of activations, from the end."""
    many: bool = False
    """Whether each argument after the last of ``inputs`` is one too."""


def weighted(name: str, *, rank: int = 0, transposed: bool = False) -> Kind:
    """Return a kind with a weight and a bias, whose activations have ``rank`` axes behind the channels."""
    axes = (1, 0) if transposed else (0, 1)
    return Kind(
        name, Role.weighted, weight=1, bias=2, channel_axis=axes[0], group_axis=axes[1], activation_axis=-rank - 1
    )


def two(name: str, names: tuple[str, str] = ("input", "other")) -> Kind:
    """Return a kind that computes with two activations."""
    return Kind(name, Role.arithmetic, (0, 1), names)


def activation(name: str) -> Kind:
    """Return a kind that is quantized on request only."""
    return Kind(name, Role.activation)


def moving(name: str) -> Kind:
    """Return a kind that moves or picks values."""
    return Kind(name, Role.moving)
