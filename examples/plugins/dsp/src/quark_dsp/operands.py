"""What a layer multiplies: whole numbers, and what they stand for."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from quark_core.engine.authoring import Quantizer, stored_codes

LOW, HIGH = -128, 127
"""Codes of int8."""


@dataclass(frozen=True)
class Operands:
    """The operands of one layer."""

    codes: Tensor
    """``[out, ...]`` int32: the codes of the weight."""
    scales: Tensor
    """``[out]`` float64: what one unit of a sum stands for."""
    bias: Tensor | None
    """``[out]`` float64."""
    step: float
    """What one unit of the input's codes stands for."""

    def quantized(self, x: Tensor) -> Tensor:
        """Return the codes of ``x``, floating point of any shape, as int32 of that shape."""
        return torch.div(x.float(), self.step).round_().clamp_(LOW, HIGH).to(torch.int32)

    def values(self, sums: Tensor, dtype: torch.dtype) -> Tensor:
        """Return what int32 ``sums``, ``[..., out]``, stand for, with the bias; float64 holds any of them exactly."""
        result = sums.double() * self.scales
        return (result if self.bias is None else result + self.bias).to(dtype)


def no_operands(weight: Quantizer | None, source: Quantizer | None) -> str | None:
    """Return why a layer with these quantizers of weight and input cannot be computed in whole numbers, or None."""
    for name, quantizer in (("weight", weight), ("input", source)):
        if quantizer is None:
            return f"its {name} stays float"
        if quantizer.scale is None:
            return f"its {name} has no fixed scale"
    return None


def operands(weight: Quantizer, source: Quantizer, shape: tuple[int, ...], bias: Tensor | None) -> Operands:
    """Return the operands of a layer whose weight has ``shape``; its quantizers have scales, see ``no_operands``."""
    if weight.scale is None or source.scale is None:
        raise ValueError(f"{weight.key}: there is no scale")
    step = float(source.scale)
    scales = weight.scale.double().expand(shape[0]) * step
    return Operands(
        stored_codes(weight, shape).to(torch.int32), scales, None if bias is None else bias.detach().double(), step
    )
