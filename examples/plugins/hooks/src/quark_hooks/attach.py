"""Puts quantizers into the modules of a plan, and hooks that call them."""

from __future__ import annotations

from torch import nn

from quark_core.engine.authoring import SUFFIX, Quantizer, mode_hook, quantizers
from quark_core.errors import ModelError
from quark_core.plugin import LayerPlan, Outline, Plan
from quark_hooks.arguments import located
from quark_hooks.hooks import QuantizeInputs, QuantizeOutput


def attach(model: nn.Module, plan: Plan, outline: Outline) -> None:
    """Change ``model`` in place; parameters need no hook, since the engine puts them on their grid where they are.

    Raises ModelError when the model is not the one that was planned, or has an attribute where a quantizer goes.
    """
    modules = dict(model.named_modules())
    inputs = {layer.name: [t.name for t in layer.tensors if t.role == "input"] for layer in outline.layers}
    tied: dict[str, Quantizer] = {}
    for layer in plan.layers:
        if not layer.tensors:
            continue
        if layer.name not in modules:
            raise ModelError(f"the plan has a layer {layer.name!r} that this model does not have")
        _add(modules[layer.name], layer, tied)
        _hook(modules[layer.name], layer, inputs[layer.name])
    _leave_fused_kernels(model)


def _add(module: nn.Module, layer: LayerPlan, tied: dict[str, Quantizer]) -> None:
    for tensor in layer.tensors:
        name = tensor.name + SUFFIX
        if hasattr(module, name):
            raise ModelError(f"{layer.name or 'the model'}: it has an attribute {name!r} already; rename that")
        # The owners of a tied parameter share one quantizer.
        quantizer = tied.get(tensor.storage or "") or Quantizer(tensor)
        if tensor.storage:
            tied[tensor.storage] = quantizer
        module.add_module(name, quantizer)


def _hook(module: nn.Module, layer: LayerPlan, inputs: list[str]) -> None:
    planned = {tensor.name for tensor in layer.tensors if tensor.role == "input"}
    if planned:
        arguments = tuple(argument for argument in located(module, inputs) if argument.tensor in planned)
        # Behind the model's own hooks, which may still change what enters.
        module.register_forward_pre_hook(mode_hook(QuantizeInputs(layer.name, arguments)), with_kwargs=True)
    if any(tensor.role == "output" for tensor in layer.tensors):
        # Before the model's own hooks, which see what leaves.
        module.register_forward_hook(mode_hook(QuantizeOutput(layer.name)), prepend=True)


def _leave_fused_kernels(model: nn.Module) -> None:
    # In eval mode a TransformerEncoderLayer may hand its parameters to one kernel and call none of its modules, and a
    # TransformerEncoder may make a nested tensor for that kernel. Both have a switch for it.
    for module in model.modules():
        if not isinstance(module, nn.TransformerEncoderLayer | nn.TransformerEncoder):
            continue
        if next(quantizers(module), None) is None:
            continue
        if isinstance(module, nn.TransformerEncoderLayer):
            module.activation_relu_or_gelu = 0
        else:
            module.use_nested_tensor = False
