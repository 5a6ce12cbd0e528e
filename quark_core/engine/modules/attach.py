"""Puts quantizers into modules, as every mode does that leaves modules where they are."""

from __future__ import annotations

from torch import nn

from quark_core.engine.quantizer import SUFFIX, Quantizer, quantizers
from quark_core.errors import ModelError
from quark_core.plugin.plan import LayerPlan


def add_quantizers(module: nn.Module, layer: LayerPlan, tied: dict[str, Quantizer]) -> None:
    """Give ``module`` a quantizer, as a submodule, for each tensor of ``layer``, in place.

    Parameters need nothing else: the engine puts them on their grid where they are. ``tied`` holds the quantizers of
    tied parameters by their storage, one for all owners; pass the same dict for every layer of a model. Raises
    ModelError where a name is taken.
    """
    for tensor in layer.tensors:
        name = tensor.name + SUFFIX
        if hasattr(module, name):
            raise ModelError(f"{layer.name or 'the model'}: it has an attribute {name!r} already; rename that")
        quantizer = tied.get(tensor.storage or "") or Quantizer(tensor)
        if tensor.storage:
            tied[tensor.storage] = quantizer
        module.add_module(name, quantizer)


def leave_fused_paths(model: nn.Module) -> None:
    """Switch off, in place, the fast paths of transformer layers that would call no module with a quantizer.

    In eval mode a TransformerEncoderLayer may hand its parameters to one fused kernel, and a TransformerEncoder may
    turn its input into a nested tensor for that kernel. Both have a switch for it.
    """
    for module in model.modules():
        if not isinstance(module, nn.TransformerEncoderLayer | nn.TransformerEncoder):
            continue
        if next(quantizers(module), None) is None:
            continue
        if isinstance(module, nn.TransformerEncoderLayer):
            module.activation_relu_or_gelu = 0
        else:
            module.use_nested_tensor = False
