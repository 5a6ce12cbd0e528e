"""Puts quantizers into the modules of a plan, and hooks that call them."""

from __future__ import annotations

from torch import nn

from quark_core.engine.authoring import Quantizer, add_quantizers, leave_fused_paths, mode_hook
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
        add_quantizers(modules[layer.name], layer, tied)
        _hook(modules[layer.name], layer, inputs[layer.name])
    leave_fused_paths(model)


def _hook(module: nn.Module, layer: LayerPlan, inputs: list[str]) -> None:
    planned = {tensor.name for tensor in layer.tensors if tensor.role == "input"}
    if planned:
        arguments = tuple(argument for argument in located(module, inputs) if argument.tensor in planned)
        # Behind the model's own hooks, which may still change what enters.
        module.register_forward_pre_hook(mode_hook(QuantizeInputs(layer.name, arguments)), with_kwargs=True)
    if any(tensor.role == "output" for tensor in layer.tensors):
        # Before the model's own hooks, which see what leaves.
        module.register_forward_hook(mode_hook(QuantizeOutput(layer.name)), prepend=True)
