"""Which layers have a kernel, and why others have none."""

from __future__ import annotations

import torch
from torch import Tensor

from quark_core.engine.authoring import Quantizer, stored_codes
from quark_core.plugin import IntFormat, Settings
from quark_cpu.grids import no_codes
from quark_cpu.kernels import saturating

NARROW = 4
"""Weights of so many bits are kept packed."""
SATURATES = (
    "8-bit activations would saturate in this machine's kernels; quantize with device: {name: CPU, isa: avx2}, or "
    "lower when you quantize"
)


def no_weight_kernel(quantizer: Quantizer | None, dtype: torch.dtype) -> str | None:
    """Return why a weight, of ``dtype`` in the model, cannot go into a kernel, or None."""
    if quantizer is None:
        return "its weight stays float"
    if dtype != torch.float32:
        return f"the layer computes in {str(dtype).removeprefix('torch.')}: the kernels take and give float32"
    settings = quantizer.settings
    fmt = settings.dtype.format
    if not isinstance(fmt, IntFormat) or not fmt.signed or not settings.symmetric or fmt.bits > 8:
        return f"weight {settings.dtype.name}: the kernels take symmetric signed integers of at most 8 bits"
    if settings.qscheme == "per_tensor" or (settings.qscheme == "per_channel" and settings.axis == 0):
        return None
    return f"weight {settings.qscheme}: the kernels take one scale for the tensor or for each output channel"


def no_input_kernel(settings: Settings | None, *, dynamic: bool = False) -> str | None:
    """Return why an input cannot be multiplied in a kernel, or None; ``dynamic``: see ``no_input_codes``."""
    if (why := no_input_codes(settings, dynamic=dynamic)) is not None or settings is None:
        return why
    return SATURATES if settings.dtype.format.bits > 7 and saturating() else None


def no_input_codes(settings: Settings | None, *, dynamic: bool = False) -> str | None:
    """Return why a kernel cannot take the codes of an input, or None.

    ``dynamic``: whether it may have scales of its batch.
    """
    if settings is None:
        return "its input stays float"
    if (why := no_codes(settings)) is not None:
        return why
    schemes = ("per_tensor", "per_token") if dynamic else ("per_tensor",)
    if settings.qscheme not in schemes or (settings.is_dynamic and not dynamic):
        kind = "dynamic " if settings.is_dynamic else ""
        return f"input {kind}{settings.qscheme}: the kernel takes one fixed scale"
    return None


def weight_codes(quantizer: Quantizer, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Return the int8 codes of a weight of ``shape``, and one float32 scale for each of its output channels."""
    if quantizer.scale is None:
        raise ValueError(f"{quantizer.key} has no scale")
    return stored_codes(quantizer, shape), quantizer.scale.expand(shape[0]).contiguous()
