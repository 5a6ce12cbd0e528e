"""PyTorch's 8-bit kernels for x86; the only file that calls them.

Activations are uint8 codes with a zero point, weights int8 codes with a scale for each output channel; sums are int32.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from quark_core.engine.authoring import Convolution
from quark_cpu.grids import Grid

_ENGINES = ("x86", "fbgemm")


@cache
def missing() -> str | None:
    """Return why there are no kernels here, or None."""
    if not set(_ENGINES) & set(torch.backends.quantized.supported_engines):
        return "this build of PyTorch has no 8-bit kernels for x86 (no engine x86 or fbgemm)"
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return "this build of PyTorch has no oneDNN, which computes 8-bit convolutions"
    return None


@cache
def saturating() -> bool:
    """Return whether the kernels of this machine add pairs of products in 16 bits, found out by adding large ones."""
    ones = torch.ones(2, 64)
    linear = LinearKernel(torch.full((8, 64), 127, dtype=torch.int8), torch.ones(8), None)
    found = linear(255 * ones, 1.0, 0)
    codes = torch.full((1, 64, 1, 1), 255, dtype=torch.uint8)
    weight = torch.full((8, 64, 1, 1), 127, dtype=torch.int8)
    image = ConvKernel(weight, torch.ones(8), None, Convolution((1, 1), (0, 0), (1, 1), 1), Grid(1.0, 0))(codes)
    exact = 64 * 127 * 255
    return not (bool((found == exact).all()) and bool((image == exact).all()))


class LinearKernel:
    """x W' + b with quantized operands, float in and out."""

    name = "fbgemm linear"

    def __init__(self, codes: Tensor, scale: Tensor, bias: Tensor | None) -> None:
        """Pack ``codes`` ``[out, in]`` int8 with ``scale`` ``[out]`` and ``bias`` ``[out]`` float32."""
        with _unannounced():
            zeros = torch.zeros(len(scale), dtype=torch.int64)
            weight = torch._make_per_channel_quantized_tensor(codes.contiguous(), scale.double(), zeros, 0)  # noqa: SLF001  # has no public name
        with _engine():
            self._packed: Any = torch.ops.quantized.linear_prepack(weight, bias)

    def __call__(self, x: Tensor, scale: float, zero_point: int) -> Tensor:
        """Return the result for ``x`` ``[..., in]`` float32, quantized by ``scale`` and ``zero_point`` (0 to 255)."""
        kernel = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32
        result: Tensor = kernel(x.contiguous(), scale, zero_point, self._packed)
        return result


@contextmanager
def _unannounced() -> Iterator[None]:
    """Silence that PyTorch announces the end of its quantized tensors, which it does once."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*quantized tensor creation.*", category=UserWarning)
        yield


class _engine:  # noqa: N801  # a context manager that reads as a verb
    """Weights are packed for the engine that is set meanwhile."""

    def __enter__(self) -> None:
        self._before = torch.backends.quantized.engine
        if self._before not in _ENGINES:
            torch.backends.quantized.engine = next(
                name for name in _ENGINES if name in torch.backends.quantized.supported_engines
            )

    def __exit__(self, *_: object) -> None:
        torch.backends.quantized.engine = self._before


class ConvKernel:
    """A convolution over one or two axes, of uint8 codes with int8 weights."""

    def __init__(self, codes: Tensor, scale: Tensor, bias: Tensor | None, how: Convolution, grid: Grid) -> None:
        """Pack ``codes`` ``[out, in / groups, *kernel]`` int8, with ``scale`` and ``bias`` ``[out]`` float32.

        Its input is on ``grid``.
        """
        self._scale, self._bias, self._grid, self._pads = scale, bias, grid, how.pads
        self._axes, self._walk = len(how.stride), _two_axes(how)
        self._zeros = torch.zeros(len(scale), dtype=torch.int64)
        weight = codes if self._axes == 2 else codes.unsqueeze(2)
        # What the input's zero point adds to every sum is packed with the weight.
        self._packed: Tensor = torch.ops.onednn.qconv_prepack(
            weight, scale, grid.scale, grid.zero_point, *self._walk, None
        )

    @staticmethod
    def name(how: Convolution) -> str:
        """Return what reports call it."""
        return f"oneDNN conv{len(how.stride)}d"

    def __call__(self, x: Tensor, *, out: Grid | None = None, relu: bool = False) -> Tensor:
        """Return the result for codes ``x`` ``[batch, in, *axes]``: float32, or codes on the grid ``out``.

        Where ``x`` has no batch, the result has none.
        """
        for pads in self._pads:
            x = functional.pad(x, pads, value=self._grid.zero_point)
        batch = x if x.dim() == self._axes + 2 else x[None]
        image = batch if self._axes == 2 else batch.unsqueeze(2)
        result = self._run(image, out, "relu" if relu else "none")
        # The kernel saturates at 255.
        result = result.clamp_(max=out.largest) if out is not None and out.largest < 255 else result
        result = result if self._axes == 2 else result.squeeze(2)
        return result if batch is x else result[0]

    def _run(self, x: Tensor, out: Grid | None, after: str) -> Tensor:
        grid, dtype = self._grid, torch.float32 if out is None else torch.uint8
        result: Tensor = torch.ops.onednn.qconv_pointwise(
            *(x, grid.scale, grid.zero_point, self._packed, self._scale, self._zeros, self._bias),
            *self._walk,
            *(out.scale if out else 1.0, out.zero_point if out else 0, dtype),
            *(after, [], ""),
        )
        return result


def _two_axes(how: Convolution) -> tuple[Any, ...]:
    """Return stride, padding, dilation and groups of a convolution as one of images."""
    if len(how.stride) == 2:
        return how.stride, how.padding, how.dilation, how.groups
    return (1, *how.stride), (0, *how.padding), (1, *how.dilation), how.groups


class AddKernel:
    """The sum of two tensors of codes, as codes; sums are float32, so that nothing saturates before the result."""

    name = "quantized add"

    def __init__(self, first: Grid, second: Grid, out: Grid, *, relu: bool) -> None:
        """Take the grids of both tensors and of the result; ``relu``: whether negative sums become 0."""
        self._first, self._second, self._out = first, second, out
        self._add: Any = torch.ops.quantized.add_relu if relu else torch.ops.quantized.add
        with _unannounced():
            _quantized(torch.zeros(1, dtype=torch.uint8), first)

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the codes of the sum of two tensors of codes, whose shapes are broadcast."""
        out = self._out
        found = self._add(_quantized(first, self._first), _quantized(second, self._second), out.scale, out.zero_point)
        # The same bytes under another name: int_repr takes several times as long as the sum itself.
        codes = torch.empty(0, dtype=torch.uint8)
        codes.set_(found.untyped_storage(), found.storage_offset(), found.shape, found.stride())
        return codes.clamp_(max=out.largest) if out.largest < 255 else codes


def _quantized(codes: Tensor, grid: Grid) -> Tensor:
    return torch._make_per_tensor_quantized_tensor(codes, grid.scale, grid.zero_point)  # noqa: SLF001  # has no public name
