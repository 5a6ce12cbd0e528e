"""Batch norm in evaluation is one multiplication and one addition a channel, which the layer before it can take in.

Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference"
(2018), section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Norm:
    """A batch norm in evaluation: (x - mean) / sqrt(variance + eps) * weight + bias, each ``[channels]``."""

    mean: Tensor
    variance: Tensor
    weight: Tensor | None
    bias: Tensor | None
    eps: float


def folded(weight: Tensor, bias: Tensor | None, norm: Norm, channel_axis: int = 0) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a convolution or linear layer that also does what ``norm`` did behind it.

    ``channel_axis``: the axis of the output channels in ``weight``. Computed in float64 and rounded once, to the dtype
    of ``weight``; the results of the layer change by a few ulps.
    """
    with torch.no_grad():
        factor = (norm.variance.double() + norm.eps).rsqrt_()
        if norm.weight is not None:
            factor = factor * norm.weight.double()
        shape = [1] * weight.dim()
        shape[channel_axis] = -1
        start = torch.zeros_like(factor) if bias is None else bias.double()
        moved = (start - norm.mean.double()) * factor
        if norm.bias is not None:
            moved = moved + norm.bias.double()
        return (weight.double() * factor.view(shape)).to(weight.dtype), moved.to(weight.dtype)
