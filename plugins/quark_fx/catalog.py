"""Which operators graph mode knows, as data: under which names torch.fx and torch.export call them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import torch
from torch import nn
from torch.nn import functional


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


def _weighted(name: str, *, rank: int = 0, transposed: bool = False) -> Kind:
    axes = (1, 0) if transposed else (0, 1)
    return Kind(
        name, Role.weighted, weight=1, bias=2, channel_axis=axes[0], group_axis=axes[1], activation_axis=-rank - 1
    )


def _two(name: str, names: tuple[str, str] = ("input", "other")) -> Kind:
    return Kind(name, Role.arithmetic, (0, 1), names)


_LINEAR = _weighted("linear")
_CONVOLUTIONS = {f"conv{rank}d": _weighted(f"conv{rank}d", rank=rank) for rank in (1, 2, 3)}
_CONVOLUTIONS |= {
    f"conv_transpose{rank}d": _weighted(f"conv_transpose{rank}d", rank=rank, transposed=True) for rank in (1, 2, 3)
}
_EMBEDDING = Kind("embedding", Role.weighted, (), (), weight=1)
_ATTENTION = Kind("scaled_dot_product_attention", Role.arithmetic, (0, 1, 2), ("query", "key", "value"))
_MATMUL, _BMM = _two("matmul"), _two("bmm", ("input", "mat2"))
_ADD, _SUB, _MUL = _two("add"), _two("sub"), _two("mul")
_CAT = Kind("cat", Role.joining, (0,), ("tensors",))
_RELU = Kind("relu", Role.moving)


def _activation(name: str) -> Kind:
    return Kind(name, Role.activation)


def _moving(name: str) -> Kind:
    return Kind(name, Role.moving)


Table = dict[Any, Kind]

FUNCTIONS: Table = {
    functional.linear: _LINEAR,
    **{getattr(functional, name): kind for name, kind in _CONVOLUTIONS.items()},
    functional.embedding: Kind("embedding", Role.weighted, (), (), weight=1),
    functional.scaled_dot_product_attention: _ATTENTION,
    **dict.fromkeys((operator.matmul, torch.matmul, torch.mm), _MATMUL),
    torch.bmm: _BMM,
    **dict.fromkeys((operator.add, operator.iadd, torch.add), _ADD),
    **dict.fromkeys((operator.sub, operator.isub, torch.sub, torch.subtract), _SUB),
    **dict.fromkeys((operator.mul, operator.imul, torch.mul, torch.multiply), _MUL),
    **dict.fromkeys((torch.cat, torch.concat, torch.concatenate), _CAT),
    **dict.fromkeys((functional.relu, torch.relu, torch.relu_, functional.relu_), _RELU),
}
METHODS: dict[str, Kind] = {
    **dict.fromkeys(("matmul", "mm"), _MATMUL),
    "bmm": _BMM,
    **dict.fromkeys(("add", "add_"), _ADD),
    **dict.fromkeys(("sub", "sub_"), _SUB),
    **dict.fromkeys(("mul", "mul_"), _MUL),
    **dict.fromkeys(("relu", "relu_"), _RELU),
}
MODULES: dict[type[nn.Module], Kind] = {
    nn.Linear: _LINEAR,
    **{getattr(nn, f"Conv{rank}d"): _CONVOLUTIONS[f"conv{rank}d"] for rank in (1, 2, 3)},
    **{getattr(nn, f"ConvTranspose{rank}d"): _CONVOLUTIONS[f"conv_transpose{rank}d"] for rank in (1, 2, 3)},
    nn.Embedding: _EMBEDDING,
    nn.ReLU: _RELU,
}

_ACTIVATIONS: dict[str, tuple[str, ...]] = {
    # kind: names of the functions, methods and aten operators that compute it
    "softmax": ("softmax",),
    "log_softmax": ("log_softmax",),
    "layer_norm": ("layer_norm",),
    "group_norm": ("group_norm",),
    "rms_norm": ("rms_norm",),
    "batch_norm": ("batch_norm",),
    "gelu": ("gelu",),
    "silu": ("silu", "silu_"),
    "relu6": ("relu6", "relu6_"),
    "hardtanh": ("hardtanh", "hardtanh_"),
    "hardswish": ("hardswish", "hardswish_"),
    "hardsigmoid": ("hardsigmoid", "hardsigmoid_"),
    "leaky_relu": ("leaky_relu", "leaky_relu_"),
    "elu": ("elu", "elu_"),
    "mish": ("mish", "mish_"),
    "sigmoid": ("sigmoid", "sigmoid_"),
    "tanh": ("tanh", "tanh_"),
    "avg_pool": ("avg_pool1d", "avg_pool2d", "avg_pool3d"),
    "adaptive_avg_pool": ("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"),
    "mean": ("mean",),
    "interpolate": ("interpolate", "upsample_bilinear2d", "upsample_bicubic2d", "upsample_linear1d"),
}
_ACTIVATION_MODULES: dict[str, tuple[str, ...]] = {
    "softmax": ("Softmax", "Softmax2d"),
    "log_softmax": ("LogSoftmax",),
    "layer_norm": ("LayerNorm",),
    "group_norm": ("GroupNorm",),
    "rms_norm": ("RMSNorm",),
    "batch_norm": ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d"),
    "gelu": ("GELU",),
    "silu": ("SiLU",),
    "relu6": ("ReLU6",),
    "hardtanh": ("Hardtanh",),
    "hardswish": ("Hardswish",),
    "hardsigmoid": ("Hardsigmoid",),
    "leaky_relu": ("LeakyReLU",),
    "elu": ("ELU",),
    "mish": ("Mish",),
    "sigmoid": ("Sigmoid",),
    "tanh": ("Tanh",),
    "avg_pool": ("AvgPool1d", "AvgPool2d", "AvgPool3d"),
    "adaptive_avg_pool": ("AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d"),
    "interpolate": ("Upsample", "UpsamplingBilinear2d"),
}
_MOVING: dict[str, tuple[str, ...]] = {
    "max_pool": (
        *(f"max_pool{rank}d" for rank in (1, 2, 3)),
        *(f"adaptive_max_pool{rank}d" for rank in (1, 2, 3)),
    ),
    "reshape": ("reshape", "view", "flatten", "unflatten", "squeeze", "unsqueeze", "ravel"),
    "transpose": ("transpose", "permute", "t", "movedim", "swapaxes", "transpose_"),
    "pick": (
        "chunk",
        "split",
        "split_with_sizes",
        "unbind",
        "narrow",
        "select",
        "slice",
        "index_select",
        "tensor_split",
    ),
    "copy": ("contiguous", "clone", "detach", "alias", "expand", "expand_as", "repeat", "repeat_interleave", "tile"),
    "flip": ("flip", "roll"),
    "pixel_shuffle": ("pixel_shuffle", "pixel_unshuffle", "channel_shuffle"),
    "dropout": ("dropout", "dropout_", "feature_dropout", "alpha_dropout"),
    "upsample_nearest": ("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d"),
}
_MOVING_MODULES: dict[str, tuple[str, ...]] = {
    "max_pool": (*(f"MaxPool{rank}d" for rank in (1, 2, 3)), *(f"AdaptiveMaxPool{rank}d" for rank in (1, 2, 3))),
    "reshape": ("Flatten", "Unflatten"),
    "pixel_shuffle": ("PixelShuffle", "PixelUnshuffle", "ChannelShuffle"),
    "dropout": ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout"),
    "identity": ("Identity",),
    "upsample_nearest": ("UpsamplingNearest2d",),
    "pad": ("ZeroPad1d", "ZeroPad2d", "ZeroPad3d", "ReflectionPad1d", "ReflectionPad2d", "ReplicationPad2d"),
}


def _functions(name: str) -> Iterator[Callable[..., Any]]:
    for module in (functional, torch, torch.special):
        found = getattr(module, name, None)
        if callable(found):
            yield found


def _fill() -> None:
    for make, functions, modules in (
        (_activation, _ACTIVATIONS, _ACTIVATION_MODULES),
        (_moving, _MOVING, _MOVING_MODULES),
    ):
        for kind, names in functions.items():
            for name in names:
                METHODS.setdefault(name, make(kind))
                for function in _functions(name):
                    FUNCTIONS.setdefault(function, make(kind))
        for kind, classes in modules.items():
            for cls in classes:
                MODULES.setdefault(getattr(nn, cls), make(kind))
    FUNCTIONS[operator.getitem] = _moving("pick")


_fill()

ATEN: dict[str, Kind] = {
    "linear": _LINEAR,
    **_CONVOLUTIONS,
    "conv_transpose2d": _CONVOLUTIONS["conv_transpose2d"],
    "embedding": Kind("embedding", Role.weighted, (), (), weight=0),
    "scaled_dot_product_attention": _ATTENTION,
    **dict.fromkeys(("matmul", "mm"), _MATMUL),
    "bmm": _BMM,
    **dict.fromkeys(("add", "add_"), _ADD),
    **dict.fromkeys(("sub", "sub_"), _SUB),
    **dict.fromkeys(("mul", "mul_"), _MUL),
    "cat": _CAT,
    **dict.fromkeys(("relu", "relu_"), _RELU),
    **{name: _activation(kind) for kind, names in _ACTIVATIONS.items() for name in names},
    **{name: _moving(kind) for kind, names in _MOVING.items() for name in names},
}
"""Names of aten operators, without their overloads."""
