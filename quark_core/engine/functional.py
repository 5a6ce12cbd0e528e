"""Quantization of one tensor: range to parameters, values to codes and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from quark_core.engine.arguments import as_settings, check_out, check_params, check_values
from quark_core.engine.blocks import from_blocks, to_blocks
from quark_core.engine.fresh import fresh_like
from quark_core.engine.kernels import kernel_for
from quark_core.engine.kernels.scratch import borrowed
from quark_core.engine.kernels.tracing import is_traced
from quark_core.engine.packing import code_dtype
from quark_core.engine.scales import QParams, params_from_range
from quark_core.engine.sweep import sweep
from quark_core.engine.tile_scales import given_or_own
from quark_core.engine.tiles import tiles
from quark_core.engine.traced import Traceable, traced, traced_params
from quark_core.plugin.formats import has_signed_codes

if TYPE_CHECKING:
    from quark_core.config.models import TensorConfig
    from quark_core.plugin.settings import Settings


def parameters(lo: Tensor, hi: Tensor, config: Settings | TensorConfig) -> QParams:
    """Return scale and zero point for values from ``lo`` to ``hi`` (each ``[blocks]``), as observers measure them.

    Raises DataError when a range is not finite; MX blocks become NaN instead.
    """
    return params_from_range(lo, hi, as_settings(config))


@torch.no_grad()
def dynamic_parameters(x: Tensor, config: Settings | TensorConfig) -> QParams:
    """Return scale and zero point from the range of ``x`` itself (float16, bfloat16, float32 or float64, any shape).

    Infinities and NaN do not count, except in MX, where NaN makes its block NaN. Raises ModelError when the axis or
    the group size does not fit ``x``.
    """
    settings = as_settings(config)
    check_values(x)
    return given_or_own(None, to_blocks(x, settings), settings)


@torch.no_grad()
def quantize_dequantize(
    x: Tensor, config: Settings | TensorConfig, params: QParams | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Return ``x`` rounded to what the config's format can hold, in the shape and dtype of ``x``.

    ``x`` is float16, bfloat16, float32 or float64 of any shape; it is computed in float32 and rounded once at the end
    (scaled formats saturate there, so finite values stay finite). Without ``params`` they are computed from ``x``.
    Beyond the result it takes a few MiB, whatever the size of ``x``, unless strides or overlap force a copy.
    ``out`` receives the result and may be ``x`` itself. NaN stays NaN; infinities saturate, except in plain casts.
    Gives no gradient: for that there is ``fake_quantize``. Raises UsageError for unfitting arguments and ModelError
    when the axis or the group size does not fit ``x``.
    """
    settings = as_settings(config)
    check_values(x)
    if is_traced():
        result = traced(x, Traceable(settings), traced_params(params, x, settings))
        return result if out is None else out.copy_(result)
    if out is None:
        out = fresh_like(x)
    check_out(out, x)
    source, target = to_blocks(x, settings), to_blocks(out, settings)
    if _may_overlap(source, target):
        source = source.clone()
    sweep(source, target, settings, params)
    return _given_back(target, out, settings)


@torch.no_grad()
def quantize(x: Tensor, config: Settings | TensorConfig, params: QParams | None = None) -> Tensor:
    """Return the codes of ``x`` in its shape: int8 for signed integers, else uint8; int16 above 8 bits.

    Codes are two's complement integers, bit patterns of floats (sign, exponent, mantissa), indexes of codebooks;
    those above 8 bits are bit patterns in int16. Without ``params`` they are those of ``dynamic_parameters``.
    Raises DataError when ``x`` holds NaN and the format has no code for it, else as ``quantize_dequantize``.
    """
    settings = as_settings(config)
    check_values(x)
    source = to_blocks(x, settings)
    params = given_or_own(params, source, settings)
    fmt, kernel = settings.dtype.format, kernel_for(settings)
    codes = _fresh(x, code_dtype(fmt.bits, signed=has_signed_codes(fmt)))
    target = to_blocks(codes, settings)
    with borrowed() as scratch:
        for tile, to, scale, zero_point in _tiles(source, target, params):
            work = scratch.like(tile, 0)
            values = tile if tile.dtype == torch.float32 and settings.dtype.scaled else work.copy_(tile)
            if settings.dtype.scaled:
                torch.div(values, scale, out=work)
            to.copy_(kernel.encode(work, zero_point))
    return _given_back(target, codes, settings)


@torch.no_grad()
def dequantize(codes: Tensor, config: Settings | TensorConfig, params: QParams | None) -> Tensor:
    """Return the values, float32, of ``codes`` from ``quantize``, in their shape; plain casts need no ``params``.

    Raises UsageError when ``params`` do not fit, ModelError when the axis or the group size does not fit ``codes``.
    """
    settings = as_settings(config)
    source = to_blocks(codes, settings)
    params = check_params(params, source, settings)
    kernel = kernel_for(settings)
    values = _fresh(codes, torch.float32)
    target = to_blocks(values, settings)
    for tile, to, scale, zero_point in _tiles(source, target, params):
        decoded = kernel.decode(tile, zero_point)
        if settings.dtype.scaled:
            torch.mul(decoded, scale, out=to)
        else:
            to.copy_(decoded)
    return _given_back(target, values, settings)


def _tiles(source: Tensor, target: Tensor, params: QParams) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Yield each tile of both, its scales and its zero points; transposed where columns are what lies together."""
    across = source.stride(0) < source.stride(1)
    for rows, columns in tiles(*source.shape):
        piece = source[rows, columns], target[rows, columns], params.scale[rows, None], params.zero_point[rows, None]
        # Kernels treat each element alone, so that to them a transposed tile is as good.
        yield (piece[0].t(), piece[1].t(), piece[2].t(), piece[3].t()) if across else piece


def _fresh(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Return an uninitialized contiguous tensor in the shape of ``x``."""
    return fresh_like(torch.empty((), dtype=dtype, device=x.device).expand(x.shape))


def _given_back(blocks: Tensor, out: Tensor, settings: Settings) -> Tensor:
    """Return ``out``, of which ``blocks`` is the blocks view, or a copy where strides allow no view."""
    return out if _shares(blocks, out) else out.copy_(from_blocks(blocks, out.shape, settings))


def _shares(a: Tensor, b: Tensor) -> bool:
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


def _may_overlap(source: Tensor, target: Tensor) -> bool:
    same = source.data_ptr() == target.data_ptr() and source.stride() == target.stride()
    return _shares(source, target) and not same
