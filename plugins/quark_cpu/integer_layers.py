"""Modules of lowered graphs: layers on integer codes, and the ways into and out of them."""

from __future__ import annotations

from torch import Tensor, nn

from quark_core.engine.authoring import Convolution
from quark_cpu.grids import Grid
from quark_cpu.kernels import AddKernel, ConvKernel, LinearKernel


class ToCodes(nn.Module):
    """Floating point to codes."""

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self._grid = grid

    def forward(self, x: Tensor) -> Tensor:
        """Return the codes of ``x``, uint8."""
        return self._grid.codes(x)


class ToValues(nn.Module):
    """Codes to floating point."""

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self._grid = grid

    def forward(self, codes: Tensor) -> Tensor:
        """Return what ``codes`` stand for, float32."""
        return self._grid.values(codes)


class CodesConv(nn.Module):
    """A convolution of codes, with a ReLU where there was one; gives codes where a quantizer followed."""

    def __init__(  # the rest is as in ConvKernel
        self,
        codes: Tensor,
        scale: Tensor,
        bias: Tensor | None,
        *,
        how: Convolution,
        grid: Grid,
        out: Grid | None,
        relu: bool,
    ) -> None:
        """See ``ConvKernel``; ``out``: the grid of the result, None for floats."""
        super().__init__()
        self._kernel, self._out, self._relu = ConvKernel(codes, scale, bias, how, grid), out, relu

    def forward(self, codes: Tensor) -> Tensor:
        """Return codes or floats ``[batch, out, *axes]`` for codes ``[batch, in, *axes]``; batch may be missing."""
        return self._kernel(codes, out=self._out, relu=self._relu)


class CodesAdd(nn.Module):
    """A sum of codes, with a ReLU where there was one."""

    def __init__(self, first: Grid, second: Grid, out: Grid, *, relu: bool) -> None:
        """See ``AddKernel``."""
        super().__init__()
        self._kernel = AddKernel(first, second, out, relu=relu)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the codes of the sum of two tensors of codes."""
        return self._kernel(first, second)


class CodesLinear(nn.Module):
    """A linear layer on codes, with a ReLU where there was one; gives codes where a quantizer followed."""

    def __init__(  # the rest is as in LinearKernel
        self, codes: Tensor, scale: Tensor, bias: Tensor | None, *, grid: Grid, out: Grid | None, relu: bool
    ) -> None:
        """See ``LinearKernel``; ``out``: the grid of the result, None for floats."""
        super().__init__()
        self._kernel, self._grid, self._out, self._relu = LinearKernel(codes, scale, bias), grid, out, relu

    def forward(self, codes: Tensor) -> Tensor:
        """Return codes or floats ``[..., out]`` for codes ``[..., in]``."""
        # The kernel takes levels as floats; codes with scale 1 are found again exactly.
        grid = self._grid
        result = self._kernel(grid.values(codes), grid.scale, grid.zero_point)
        if self._relu:
            result = result.relu_()
        return result if self._out is None else self._out.codes(result)
