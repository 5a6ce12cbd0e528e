"""Example inputs in a manifest: shapes and dtypes, from which stand-ins are made for modes that trace on loading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def described(value: Any) -> Any:
    """Return ``value`` (tensors, numbers, text and None, nested) as JSON; None where it holds anything else."""
    try:
        return None if value is None else _described(value)
    except TypeError:
        return None


def _described(value: Any) -> Any:
    if isinstance(value, Tensor):
        return {"tensor": list(value.shape), "dtype": str(value.dtype).removeprefix("torch.")}
    if isinstance(value, Mapping):
        return {"dict": {str(name): _described(item) for name, item in value.items()}}
    if isinstance(value, tuple | list):
        return {type(value).__name__: [_described(item) for item in value]}
    if value is None or isinstance(value, bool | int | float | str):
        return {"value": value}
    raise TypeError(type(value).__name__)


def stand_ins(description: Any) -> Any:
    """Return values like those that were ``described``, with zeros in the tensors; None without a description.

    Raises KeyError, ValueError, TypeError, AttributeError or RuntimeError for what ``described`` did not write.
    """
    if description is None:
        return None
    if "tensor" in description:
        return torch.zeros(description["tensor"], dtype=getattr(torch, description["dtype"]))
    [(kind, content)] = description.items()
    if kind == "dict":
        return {name: stand_ins(item) for name, item in content.items()}
    if kind in ("tuple", "list"):
        return {"tuple": tuple, "list": list}[kind](stand_ins(item) for item in content)
    return content if kind == "value" else _unknown(kind)


def _unknown(kind: str) -> Any:
    raise ValueError(f"{kind!r} is no kind of input")
