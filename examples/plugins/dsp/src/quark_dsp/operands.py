"""What a layer multiplies: whole numbers, and what they stand for."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from quark_core.engine.authoring import Site, stored_codes

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


def no_operands(site: Site) -> str | None:
    """Return why a layer cannot be computed in whole numbers, or None."""
    for name, quantizer in (("weight", site.weight_quantizer), ("input", site.input_quantizer)):
        if quantizer is None:
            return f"its {name} stays float"
        if quantizer.scale is None:
            return f"its {name} has no fixed scale"
    return None


def operands(site: Site) -> Operands:
    """Return the operands of a layer; raises ValueError where it has none, see ``no_operands``."""
    weight, source, shape = site.weight_quantizer, site.input_quantizer, tuple(site.weight.shape)
    if weight is None or source is None or weight.scale is None or source.scale is None:
        raise ValueError(f"{site.layer}: {no_operands(site)}")
    codes, step = stored_codes(weight, shape).to(torch.int32), float(source.scale)
    bias = None if site.bias is None else site.bias.detach().double()
    return Operands(codes, weight.scale.double().expand(shape[0]) * step, bias, step)
