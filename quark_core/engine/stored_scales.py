"""How the scales of a quantizer are stored: E8M0 bytes for MX, a format's codes for NVFP4, else the scale's dtype."""

from __future__ import annotations

import torch
from torch import Tensor

from quark_core.engine.block_scales import block_factors
from quark_core.engine.e8m0 import decode_e8m0, encode_e8m0
from quark_core.engine.quantizer import Quantizer
from quark_core.engine.scales import stored_dtype
from quark_core.errors import ArtifactError
from quark_core.plugin.formats import BlockFormat, FloatFormat


def stored_scale(quantizer: Quantizer) -> dict[str, Tensor]:
    """Return ``scale``, and ``tensor_scale`` where block scales have a format of their own; empty without a scale."""
    scale, fmt = quantizer.scale, quantizer.settings.dtype.format
    if scale is None:
        return {}
    if not isinstance(fmt, BlockFormat):
        return {"scale": scale.to(stored_dtype(quantizer.settings))}
    if fmt.scale is None or quantizer.tensor_scale is None:
        return {"scale": encode_e8m0(scale * 2.0**fmt.fraction_bits)}
    grid = _grid(fmt.scale, scale.device)
    codes = torch.searchsorted(grid, block_factors(scale, quantizer.tensor_scale, fmt.scale))
    # A NaN sorts behind every number: it gets the code after the largest one, which is E4M3's own NaN.
    return {"scale": codes.to(torch.uint8), "tensor_scale": quantizer.tensor_scale}


def restored_scale(stored: Tensor, quantizer: Quantizer) -> Tensor:
    """Return the scale, ``[blocks]`` float32, that was stored; raises ArtifactError where half is missing."""
    fmt = quantizer.settings.dtype.format
    if not isinstance(fmt, BlockFormat):
        return stored.float()
    if fmt.scale is None:
        return decode_e8m0(stored) * 2.0**-fmt.fraction_bits
    if quantizer.tensor_scale is None:
        raise ArtifactError(f"{quantizer.key}: the saved folder holds no tensor_scale for it")
    grid = torch.cat([_grid(fmt.scale, stored.device), torch.full((1,), torch.nan, device=stored.device)])
    return grid[stored.int()] * quantizer.tensor_scale


def _grid(fmt: FloatFormat, device: torch.device) -> Tensor:
    """Return the finite values from 0 up, so that a code is an index."""
    codes = torch.arange(1 << (fmt.bits - 1), dtype=torch.int32, device=device)
    field, mantissa = codes >> fmt.mantissa_bits, codes & ((1 << fmt.mantissa_bits) - 1)
    whole = mantissa + ((field > 0).int() << fmt.mantissa_bits)
    exponent = field.clamp(min=1) - 1 + fmt.emin - fmt.mantissa_bits
    values = torch.ldexp(whole.double(), exponent).float()
    return values[values <= fmt.max]
