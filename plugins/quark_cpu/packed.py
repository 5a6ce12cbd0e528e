"""Parameters that stay packed in memory and are dequantized whenever they are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from quark_core.engine.authoring import Quantizer, stored_codes, stored_rows, stored_values

CODES = "_codes"
"""What follows a parameter's name in the name of the buffer with its packed codes."""


def pack(owner: nn.Module, name: str, quantizer: Quantizer) -> None:
    """Replace the parameter ``name`` of ``owner`` by its packed codes, a uint8 buffer.

    ``owner.name`` is then computed from them at each access, with the same bits as before.
    """
    parameter = owner.get_parameter(name)
    shape, dtype = tuple(parameter.shape), parameter.dtype
    if quantizer.packed is None:
        raise ValueError(f"{quantizer.key} has no codes")
    _one_zero(quantizer)
    del owner._parameters[name]  # noqa: SLF001  # delattr would look at the class below
    owner.register_buffer(name + CODES, quantizer.packed)

    def read(_self: nn.Module) -> Tensor:
        return stored_values(stored_codes(quantizer, shape), quantizer, dtype)

    owner.__class__ = _with_property(type(owner), name, read)


def _one_zero(quantizer: Quantizer) -> None:
    """Let a zero point that is 0 everywhere take the memory of one."""
    if quantizer.settings.symmetric and quantizer.zero_point is not None:
        quantizer.zero_point = quantizer.zero_point.new_zeros(1).expand_as(quantizer.zero_point)


def _with_property(cls: type[nn.Module], name: str, read: Callable[[nn.Module], Tensor]) -> Any:
    return type(cls.__name__, (cls,), {"__module__": cls.__module__, name: property(read)})


class PackedRows(nn.Module):
    """An embedding of a packed table, of which only the rows that are asked for are dequantized."""

    def __init__(self, quantizer: Quantizer, shape: tuple[int, int], dtype: torch.dtype) -> None:
        """Take the quantizer of a table of ``shape`` (rows, columns) that has its codes."""
        super().__init__()
        _one_zero(quantizer)
        # In a tuple, since it is no quantizer of a parameter any more.
        self._quantizer, self._shape, self._dtype = (quantizer,), shape, dtype
        self.register_buffer(f"weight{CODES}", quantizer.packed)

    def forward(self, index: Tensor) -> Tensor:
        """Return ``[*index.shape, columns]`` for integers ``index``."""
        return stored_rows(self._quantizer[0], index, self._shape, self._dtype)
