"""Layers that compute in a kernel: floating point in and out, 8-bit integers within."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from quark_core.engine.authoring import Convolution, Quantizer, dynamic_parameters
from quark_core.plugin import Settings
from quark_cpu.grids import Grid
from quark_cpu.kernels import ConvKernel, LinearKernel


class KernelLinear(nn.Module):
    """A linear layer whose input has one fixed scale."""

    def __init__(self, codes: Tensor, scale: Tensor, bias: Tensor | None, grid: Grid) -> None:
        """See ``LinearKernel``; ``grid`` is that of the input."""
        super().__init__()
        self._kernel, self._grid = LinearKernel(codes, scale, bias), grid

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # as in torch.nn.Linear
        """Return ``[..., out]`` float32 for ``[..., in]``."""
        # The kernel has 8 bits, so that 7 are held by hand.
        if self._grid.largest < 255:
            low, high = (_value(code, self._grid) for code in (0, self._grid.largest))
            input = input.clamp(low, high)  # noqa: A001  # as in torch.nn
        return self._kernel(input, self._grid.scale, self._grid.zero_point)


def _value(code: int, grid: Grid) -> float:
    return (code - grid.zero_point) * grid.scale


class DynamicLinear(nn.Module):
    """A linear layer whose input is scaled by each batch, or by each of its rows."""

    bias: Tensor | None
    sums: Tensor
    """``[out]``: the weights of each output channel added up."""

    def __init__(self, codes: Tensor, scale: Tensor, bias: Tensor | None, settings: Settings) -> None:
        """See ``LinearKernel``; ``settings`` are those of the input, whose format is an ``IntFormat``."""
        super().__init__()
        # Scales are multiplied in behind the kernel, so that the bias must come after it.
        self._kernel, self._settings = LinearKernel(codes, scale, None), settings
        self.register_buffer("bias", bias)
        self.register_buffer("sums", codes.sum(1, dtype=torch.int32) * scale)
        fmt: Any = settings.dtype.format
        self._low, self._high = int(fmt.qmin), int(fmt.qmax)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # as in torch.nn.Linear
        """Return ``[..., out]`` float32 for ``[..., in]``."""
        params = dynamic_parameters(input, self._settings)
        shape = (*input.shape[:-1], 1) if self._settings.qscheme == "per_token" else (1,) * input.dim()
        scale, zero_point = params.scale.view(shape), params.zero_point.view(shape)
        levels = torch.div(input, scale).round_()
        levels = levels.clamp_(self._low - zero_point, self._high - zero_point)
        result = self._products(levels, zero_point).mul_(scale)
        return result if self.bias is None else result.add_(self.bias)

    def _products(self, levels: Tensor, zero_point: Tensor) -> Tensor:
        """Return the sums for whole ``levels`` relative to the zero point."""
        if self._settings.symmetric or zero_point.numel() == 1:
            lowest = self._low if self._settings.symmetric else self._low - int(zero_point)
            return self._kernel(levels, 1.0, -lowest)
        # Each row has a zero point of its own: codes from 0 on, and the zero point times the weights is taken off.
        from_zero = zero_point - self._low
        return self._kernel(levels + from_zero, 1.0, 0) - from_zero * self.sums


class KernelConv(nn.Module):
    """A convolution whose input has one fixed scale."""

    def __init__(self, codes: Tensor, scale: Tensor, bias: Tensor | None, *, how: Convolution, grid: Grid) -> None:
        """See ``ConvKernel``; ``grid`` is that of the input."""
        super().__init__()
        self._kernel, self._grid = ConvKernel(codes, scale, bias, how, grid), grid

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # as in torch.nn.Conv2d
        """Return ``[batch, out, *axes]`` float32 for ``[batch, in, *axes]``; batch may be missing."""
        return self._kernel(self._grid.codes(input))


class Requantized(nn.Module):
    """A kernel layer with the quantizer that stood behind it."""

    def __init__(self, layer: nn.Module, output: Quantizer) -> None:
        super().__init__()
        self.layer, self.output_quantizer = layer, output

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # as in torch.nn
        """Return the layer's result, quantized."""
        result: Tensor = self.output_quantizer(self.layer(input))
        return result
