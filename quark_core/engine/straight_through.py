"""Quantize-dequantize with a straight-through gradient.

Source: Bengio, Leonard and Courville, "Estimating or Propagating Gradients Through Stochastic Neurons", 2013.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from quark_core.engine.arguments import as_settings, check_values
from quark_core.engine.blocks import from_blocks, to_blocks
from quark_core.engine.functional import dynamic_parameters, quantize_dequantize
from quark_core.engine.kernels.tracing import is_exported, is_traced
from quark_core.engine.scales import QParams
from quark_core.engine.traced import Traceable, traced, traced_params
from quark_core.plugin.formats import IntFormat
from quark_core.plugin.settings import Settings

if TYPE_CHECKING:
    from quark_core.config.models import TensorConfig


def fake_quantize(x: Tensor, config: Settings | TensorConfig, params: QParams | None = None) -> Tensor:
    """Return ``quantize_dequantize(x, config, params)``, differentiable in ``x``.

    The gradient passes unchanged, in the dtype of ``x``, where a value lies in the format's range, and is 0 where it
    was clipped. Integers: where the value rounds to a code, or may do so if chance decides. MX, NVFP4 and plain casts
    pass it everywhere. Raises what ``quantize_dequantize`` raises.
    """
    settings = as_settings(config)
    if is_traced():
        return traced_fake_quantize(x, Traceable(settings), params)
    if not (torch.is_grad_enabled() and x.requires_grad):
        return quantize_dequantize(x, settings, params)
    if params is None:
        params = dynamic_parameters(x, settings)
    result: Tensor = _StraightThrough.apply(x, params.scale, params.zero_point, settings)  # type: ignore[no-untyped-call]  # torch leaves apply untyped
    return result


def traced_fake_quantize(x: Tensor, how: Traceable, params: QParams | None) -> Tensor:
    """Return ``fake_quantize(x, how.settings, params)`` where a compiler or an exporter traces it.

    Exported programs have no gradient. Raises what ``fake_quantize`` raises, and ModelError for a rounding with a
    state.
    """
    check_values(x)
    params = traced_params(params, x, how.settings)
    result = traced(x, how, params)
    if is_exported() or not (torch.is_grad_enabled() and x.requires_grad):
        return result
    clipped = _clipped(x.detach(), params.scale, params.zero_point, how)
    passed: Tensor = _Pass.apply(x, result, clipped)  # type: ignore[no-untyped-call]  # torch leaves apply untyped
    return passed


class _Pass(torch.autograd.Function):
    """Gives ``result``, with the gradient of ``x`` where nothing was clipped."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, result: Tensor, clipped: Tensor | None) -> Tensor:
        del x
        ctx.save_for_backward(clipped)
        return result.view_as(result)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (clipped,) = ctx.saved_tensors
        return grads[0] if clipped is None else grads[0].masked_fill(clipped, 0.0), None, None


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
        clipped = _clipped(x, scale, zero_point, Traceable(ctx.settings))
        return grads[0] if clipped is None else grads[0].masked_fill(clipped, 0.0), None, None, None


def _clipped(x: Tensor, scale: Tensor, zero_point: Tensor, how: Traceable) -> Tensor | None:
    """Return where ``x`` lies outside the format's range, in its shape; None where no value can."""
    settings, bounds = how.settings, how.kernel.bounds(zero_point[:, None])
    if bounds is None or settings.dtype.is_block:
        return None
    beyond = _beyond_codes if isinstance(settings.dtype.format, IntFormat) else _beyond_values
    return from_blocks(beyond(to_blocks(x, settings), scale[:, None], *bounds, how), x.shape, settings)


def _beyond_codes(x: Tensor, scale: Tensor, low: Tensor, high: Tensor, how: Traceable) -> Tensor:
    """Return where ``x`` rounds to no code; under a rounding with a state, where it cannot round to one."""
    v = x.float() / scale
    if how.settings.rounding.is_stateful:
        return (v <= low - 1) | (v >= high + 1)
    # Roundings take finite values only.
    v = torch.minimum(torch.maximum(v, low - 2), high + 2)
    how.rounding(v)
    return (v < low) | (v > high)


def _beyond_values(x: Tensor, scale: Tensor, low: Tensor, high: Tensor, how: Traceable) -> Tensor:
    """Return where ``x`` lies outside the format's range."""
    del how
    # The scale was rounded, so the range may end one float32 before the value that it was made for.
    inf = torch.full_like(scale, torch.inf)
    return (x < (low * scale).nextafter(-inf)) | (x > (high * scale).nextafter(inf))
