"""Which tensors represent a quantized model in a file: packed codes, scales, and what stayed float.

Names: ``quantized/KEY/codes``, ``/scale``, ``/zero_point`` for a tensor of the plan; ``float/NAME`` for the rest of the
state dict. Codes are packed (see ``quark_core.functional.pack``). Scales: see ``stored_scales``. Zero points are int32
and stored only where they can differ from 0.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from quark_core.engine.packing import unpack
from quark_core.engine.quantizer import Quantizer, parameter_quantizers, quantizer_buffers, stored_values
from quark_core.engine.stored_scales import restored_scale, stored_scale
from quark_core.errors import ArtifactError, UsageError
from quark_core.plugin.formats import has_signed_codes


def quantizer_entries(quantizer: Quantizer) -> dict[str, Tensor]:
    """Return what is stored for one quantizer: packed codes of a parameter, and fixed scales."""
    head = f"quantized/{quantizer.key}"
    entries: dict[str, Tensor] = {}
    if quantizer.packed is not None:
        entries[f"{head}/codes"] = quantizer.packed
    if quantizer.scale is not None:
        entries |= {f"{head}/{name}": value for name, value in stored_scale(quantizer).items()}
    if quantizer.zero_point is not None and not quantizer.settings.symmetric:
        entries[f"{head}/zero_point"] = quantizer.zero_point.to(torch.int32)
    return entries


def float_entries(model: nn.Module) -> dict[str, Tensor]:
    """Return what stayed float, each shared tensor once, under its first name."""
    quantized = {id(module.get_parameter(name)) for module, name, _ in parameter_quantizers(model)}
    entries: dict[str, Tensor] = {}
    seen = quantized | quantizer_buffers(model)
    for name, value in model.state_dict(keep_vars=True).items():
        if isinstance(value, Tensor) and id(value) not in seen:
            seen.add(id(value))
            entries[f"float/{name}"] = value.detach()
    return entries


def check_states(model: nn.Module) -> None:
    """Raise ArtifactError for parameters being trained and for extra states that only pickle could hold."""
    for module, name, quantizer in parameter_quantizers(model):
        if is_parametrized(module, name):
            raise ArtifactError(f"{quantizer.key} is being trained; call quark_core.functional.frozen(model) first")
    for name, value in model.state_dict(keep_vars=True).items():
        if not isinstance(value, Tensor):
            raise ArtifactError(f"{name}: a state of type {type(value).__name__} cannot be saved without pickle")


def restore_quantizer(quantizer: Quantizer, entries: Mapping[str, Tensor]) -> None:
    """Give a quantizer the scales and codes that were stored for it."""
    head = f"quantized/{quantizer.key}"
    scale = entries.get(f"{head}/scale")
    if scale is not None:
        quantizer.tensor_scale = entries.get(f"{head}/tensor_scale")
        quantizer.scale = restored_scale(scale, quantizer)
        zero = entries.get(f"{head}/zero_point")
        quantizer.zero_point = torch.zeros_like(quantizer.scale) if zero is None else zero.to(torch.float32)
    elif quantizer.observer is not None and quantizer.tensor.role in ("input", "output"):
        raise ArtifactError(f"{quantizer.key}: the saved folder holds no scale for it")
    quantizer.packed = entries.get(f"{head}/codes")
    quantizer.observer = None
    quantizer.quantizing = True


def restored_parameter(quantizer: Quantizer, like: Tensor) -> Tensor:
    """Return the values of a stored parameter, in the shape and dtype of ``like``; raises ArtifactError."""
    settings = quantizer.settings
    if quantizer.packed is None:
        raise ArtifactError(f"{quantizer.key}: the saved folder holds no codes for it")
    fmt = settings.dtype.format
    try:
        codes = unpack(quantizer.packed, fmt.bits, like.shape, signed=has_signed_codes(fmt))
        values = stored_values(codes, quantizer, like.dtype)
    except UsageError as error:
        raise ArtifactError(f"{quantizer.key}: what is saved does not fit the model: {error}") from error
    quantizer.float_bytes = like.numel() * like.element_size()
    return values
