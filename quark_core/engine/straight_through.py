"""Quantize-dequantize with a straight-through gradient.

Source: Bengio, Leonard and Courville, "Estimating or Propagating Gradients Through Stochastic Neurons", 2013.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from quark_core.engine.blocks import from_blocks, to_blocks
from quark_core.engine.functional import dynamic_parameters, quantize_dequantize
from quark_core.engine.kernels import kernel_for
from quark_core.engine.scales import QParams
from quark_core.plugin.formats import IntFormat
from quark_core.plugin.settings import Settings


def fake_quantize(x: Tensor, settings: Settings, params: QParams | None = None) -> Tensor:
    """Return ``quantize_dequantize(x, settings, params)``, differentiable in ``x``.

    The gradient passes unchanged, in the dtype of ``x``, where a value lies in the format's range, and is 0 where it
    was clipped. Integers: where the value rounds to a code, or may do so if chance decides. MX, NVFP4 and plain casts
    pass it everywhere. Raises what ``quantize_dequantize`` raises.
    """
    if not (torch.is_grad_enabled() and x.requires_grad):
        return quantize_dequantize(x, settings, params)
    if params is None:
        params = dynamic_parameters(x, settings)
    result: Tensor = _StraightThrough.apply(x, params.scale, params.zero_point, settings)  # type: ignore[no-untyped-call]  # torch leaves apply untyped
    return result


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, zero_point: Tensor, settings: Settings) -> Tensor:
        ctx.settings = settings
        ctx.save_for_backward(x, scale, zero_point)
        return quantize_dequantize(x, settings, QParams(scale, zero_point))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        x, scale, zero_point = ctx.saved_tensors
        bounds = kernel_for(ctx.settings).bounds(zero_point[:, None])
        if bounds is None or ctx.settings.dtype.is_block:
            return grads[0], None, None, None
        blocks = to_blocks(x, ctx.settings)
        beyond = _beyond_codes if isinstance(ctx.settings.dtype.format, IntFormat) else _beyond_values
        clipped = from_blocks(beyond(blocks, scale[:, None], *bounds, ctx.settings), x.shape, ctx.settings)
        return grads[0].masked_fill(clipped, 0.0), None, None, None


def _beyond_codes(x: Tensor, scale: Tensor, low: Tensor, high: Tensor, settings: Settings) -> Tensor:
    """Return where ``x`` rounds to no code; under a rounding with a state, where it cannot round to one."""
    v = x.float() / scale
    if settings.rounding.is_stateful:
        return (v <= low - 1) | (v >= high + 1)
    rounding = settings.rounding.impl.load()(settings.rounding_options)
    # Roundings take finite values only.
    v = torch.minimum(torch.maximum(v, low - 2), high + 2)
    rounding(v)
    return (v < low) | (v > high)


def _beyond_values(x: Tensor, scale: Tensor, low: Tensor, high: Tensor, settings: Settings) -> Tensor:
    """Return where ``x`` lies outside the format's range."""
    del settings
    # The scale was rounded, so the range may end one float32 before the value that it was made for.
    inf = torch.full_like(scale, torch.inf)
    return (x < (low * scale).nextafter(-inf)) | (x > (high * scale).nextafter(inf))
