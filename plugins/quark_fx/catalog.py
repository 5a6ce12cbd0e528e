"""Which operators graph mode knows, as data: under which names torch.fx and torch.export call them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from quark_fx import masks
from quark_fx.catalog_names import ACTIVATION_MODULES, ACTIVATIONS, MOVING, MOVING_MODULES
from quark_fx.kinds import Kind, Role, activation, moving, two, weighted

Table = dict[Any, Kind]

_LINEAR = weighted("linear")
_CONVOLUTIONS = {f"conv{rank}d": weighted(f"conv{rank}d", rank=rank) for rank in (1, 2, 3)}
_CONVOLUTIONS |= {
    f"conv_transpose{rank}d": weighted(f"conv_transpose{rank}d", rank=rank, transposed=True) for rank in (1, 2, 3)
}
_EMBEDDING = Kind("embedding", Role.weighted, (), (), weight=1)
_ATTENTION = Kind("scaled_dot_product_attention", Role.arithmetic, (0, 1, 2), ("query", "key", "value"))
_MATMUL, _BMM = two("matmul"), two("bmm", ("input", "mat2"))
_ADD, _SUB, _MUL, _DIV = two("add"), two("sub"), two("mul"), two("div")
_ADDMM = Kind("addmm", Role.arithmetic, (0, 1, 2), ("input", "mat1", "mat2"))
_BADDBMM = Kind("baddbmm", Role.arithmetic, (0, 1, 2), ("input", "batch1", "batch2"))
_EINSUM = Kind("einsum", Role.arithmetic, (1,), ("operands",), many=True)
_CAT, _STACK = (Kind(name, Role.joining, (0,), ("tensors",)) for name in ("cat", "stack"))
_RELU = moving("relu")

_PLAIN: dict[Kind, tuple[str, ...]] = {
    # kind: names of the functions, methods and aten operators that compute it
    _MATMUL: ("matmul", "mm", "linalg_matmul"),
    _BMM: ("bmm",),
    _ADD: ("add",),
    _SUB: ("sub", "subtract"),
    _MUL: ("mul", "multiply"),
    _DIV: ("div", "divide", "true_divide"),
    _ADDMM: ("addmm",),
    _BADDBMM: ("baddbmm",),
    _CAT: ("cat", "concat", "concatenate"),
    _STACK: ("stack",),
    _RELU: ("relu",),
}

FUNCTIONS: Table = {
    functional.linear: _LINEAR,
    **{getattr(functional, name): kind for name, kind in _CONVOLUTIONS.items()},
    functional.embedding: _EMBEDDING,
    functional.scaled_dot_product_attention: _ATTENTION,
    **dict.fromkeys((operator.matmul, torch.linalg.matmul), _MATMUL),
    operator.add: _ADD,
    operator.sub: _SUB,
    operator.mul: _MUL,
    operator.truediv: _DIV,
    torch.einsum: _EINSUM,
    operator.getitem: moving("pick"),
    masks.causal: moving("mask"),
    masks.masked: moving("mask"),
    masks.cleared: moving("mask"),
    masks.repeated_heads: moving("copy"),
}
METHODS: dict[str, Kind] = {}
MODULES: dict[type[nn.Module], Kind] = {
    nn.Linear: _LINEAR,
    **{getattr(nn, f"Conv{rank}d"): _CONVOLUTIONS[f"conv{rank}d"] for rank in (1, 2, 3)},
    **{getattr(nn, f"ConvTranspose{rank}d"): _CONVOLUTIONS[f"conv_transpose{rank}d"] for rank in (1, 2, 3)},
    nn.Embedding: _EMBEDDING,
    nn.ReLU: _RELU,
}
ATEN: dict[str, Kind] = {
    "linear": _LINEAR,
    **_CONVOLUTIONS,
    "embedding": Kind("embedding", Role.weighted, (), (), weight=0),
    "scaled_dot_product_attention": _ATTENTION,
    "einsum": _EINSUM,
    "rsub": _SUB,
}
"""Names of aten operators, without their overloads."""

SHAPE_ONLY = {
    *("zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like"),
    *("new_zeros", "new_ones", "new_empty", "new_full", "new_tensor"),
    *("_assert", "_assert_is_none", "_assert_tensor_metadata"),
}
"""Functions, methods and aten operators that take a tensor, but none of its values."""
INTEGERS = {
    *("argmax", "argmin", "argsort", "arange", "nonzero", "bincount", "one_hot"),
    *("long", "int", "bool", "eq", "ne", "lt", "le", "gt", "ge", "isnan", "isinf", "isfinite"),
    *("logical_not", "logical_and", "logical_or", "logical_xor", "invert", "bitwise_not"),
}
"""Functions and methods whose results are no floating-point tensors."""


def _functions(name: str) -> Iterator[Callable[..., Any]]:
    for module in (functional, torch, torch.special, torch._C._nn):  # noqa: SLF001  # where the functions behind functional stand
        found = getattr(module, name, None)
        if callable(found):
            yield found


def _enter(kind: Kind, names: tuple[str, ...]) -> None:
    for name in names:
        ATEN.setdefault(name, kind)
        METHODS.setdefault(name, kind)
        for function in _functions(name):
            FUNCTIONS.setdefault(function, kind)


def _fill() -> None:
    for kind, names in _PLAIN.items():
        _enter(kind, names)
    for make, functions, modules in (
        (activation, ACTIVATIONS, ACTIVATION_MODULES),
        (moving, MOVING, MOVING_MODULES),
    ):
        for name, names in functions.items():
            _enter(make(name), names)
        for name, classes in modules.items():
            MODULES.update({getattr(nn, cls): make(name) for cls in classes})


_fill()
