"""Quantize-dequantize as compilers and exporters read it: one pass over the whole tensor, no branch on a value.

They get the bits of the uncompiled sweep from plain torch operators, so that ``torch.compile`` fuses them and an
exported program runs without this package. Roundings with a state draw numbers from a generator that neither can
follow; codecs are traced as they are written.
"""

from __future__ import annotations

import torch
from torch import Tensor

from quark_core.engine.blocks import from_blocks, to_blocks
from quark_core.engine.kernels import kernel_for
from quark_core.engine.kernels.halves import rounded_as
from quark_core.engine.kernels.scratch import Traced
from quark_core.engine.scales import QParams
from quark_core.engine.tile_scales import given_or_own
from quark_core.errors import ModelError
from quark_core.plugin.protocols import Rounding
from quark_core.plugin.settings import Settings


class Traceable:
    """Settings with what they name loaded, which takes code that no compiler can read; made before one reads.

    Copies and pickles hold the settings alone.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.kernel = kernel_for(settings)
        self.rounding: Rounding = settings.rounding.impl.load()(settings.rounding_options)

    def __reduce__(self) -> tuple[type[Traceable], tuple[Settings]]:
        return Traceable, (self.settings,)


def traced(x: Tensor, how: Traceable, params: QParams) -> Tensor:
    """Return ``x`` (any shape, floating point) quantized and dequantized, in its shape, dtype and order of memory.

    Gives no gradient. Raises ModelError for a rounding with a state.
    """
    settings = how.settings
    if settings.rounding.is_stateful:
        raise ModelError(
            f"{settings.rounding.name} rounding draws numbers, which a compiler or an exporter cannot follow; "
            "choose another rounding, or run this model uncompiled"
        )
    if not x.numel():
        return x.detach().clone()
    values = _float32(to_blocks(x.detach(), settings))
    result = _rounded(values, how, params)
    if settings.dtype.scaled and x.dtype in (torch.float16, torch.bfloat16):
        limit = torch.finfo(x.dtype).max
        result = result.clamp(-limit, limit)
    result = from_blocks(rounded_as(result, x.dtype).to(x.dtype), x.shape, settings)
    return result.contiguous() if x.is_contiguous() else torch.empty_like(x).copy_(result)


def traced_params(params: QParams | None, x: Tensor, settings: Settings) -> QParams:
    """Return ``params``, checked; without any, those of the range of ``x``. Raises as ``quantize_dequantize``."""
    return given_or_own(params, _float32(to_blocks(x.detach(), settings)), settings)


def _float32(x: Tensor) -> Tensor:
    # Compilers keep more of a sum in bfloat16 than there is in bfloat16.
    return rounded_as(x.float(), x.dtype)


def _rounded(values: Tensor, how: Traceable, params: QParams) -> Tensor:
    """Return ``values`` (float32, ``[blocks, elements]``) on the grid."""
    kernel, scratch = how.kernel, Traced()
    if not how.settings.dtype.scaled:
        work = values.clone()
        kernel.snap(work, 0.0, scratch)
        return work
    scale = params.scale[:, None]
    work = values / scale
    kernel.snap(work, 0.0 if how.settings.symmetric else params.zero_point[:, None], scratch)
    return work * scale if kernel.keeps_sign_of_zero else (work + 0.0) * scale
