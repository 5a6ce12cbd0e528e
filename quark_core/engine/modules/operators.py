"""Which ``torch.nn`` operators are known, as data: their parameters, arguments and axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Weight:
    """A parameter that multiplies: its name, the axis of its output channels and that of its input channels."""

    name: str
    channel_axis: int = 0
    group_axis: int = 1


@dataclass(frozen=True)
class Operator:
    """One kind of operator; subclasses of ``cls`` are this operator too, whatever their own ``forward`` does."""

    name: str
    """As capabilities and graph mode call it."""
    cls: type[nn.Module]
    weights: tuple[Weight, ...]
    biases: tuple[str, ...] = ("bias",)
    inputs: tuple[str, ...] = ("input",)
    """Arguments of ``forward`` that are activations, in order."""
    activation_axis: int = -1
    """Channels of inputs and outputs, counted from the end so that unbatched inputs work."""
    has_output: bool = True
    input_length: Callable[[nn.Module, str], int | None] = lambda _module, _name: None
    """Channels of an input."""


def _feature(attribute: str) -> Callable[[nn.Module, str], int | None]:
    return lambda module, _name: int(getattr(module, attribute))


def _bilinear(module: nn.Module, name: str) -> int:
    return int(getattr(module, "in1_features" if name == "input1" else "in2_features"))


def _attention(module: nn.Module, name: str) -> int:
    return int(getattr(module, {"query": "embed_dim", "key": "kdim", "value": "vdim"}[name]))


def _convolutions() -> tuple[Operator, ...]:
    plain: tuple[type[nn.Module], ...] = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
    transposed: tuple[type[nn.Module], ...] = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
    channels = _feature("in_channels")
    return tuple(
        Operator(f"{name}{rank}d", cls, (Weight("weight", *axes),), activation_axis=-(rank + 1), input_length=channels)
        for name, family, axes in (("conv", plain, (0, 1)), ("conv_transpose", transposed, (1, 0)))
        for rank, cls in enumerate(family, 1)
    )


_PROJECTIONS = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")

OPERATORS: tuple[Operator, ...] = (
    Operator("linear", nn.Linear, (Weight("weight"),), input_length=_feature("in_features")),
    *_convolutions(),
    Operator("embedding", nn.Embedding, (Weight("weight"),), biases=(), inputs=()),
    Operator("bilinear", nn.Bilinear, (Weight("weight", 0, 2),), inputs=("input1", "input2"), input_length=_bilinear),
    # The output projection is a submodule, a Linear of its own; see attention.py.
    Operator(
        "multi_head_attention",
        nn.MultiheadAttention,
        tuple(Weight(name) for name in _PROJECTIONS),
        biases=("in_proj_bias",),
        inputs=("query", "key", "value"),
        has_output=False,
        input_length=_attention,
    ),
)


def operator_of(module: nn.Module) -> Operator | None:
    """Return the operator that a module is, or None."""
    return next((operator for operator in OPERATORS if isinstance(module, operator.cls)), None)
