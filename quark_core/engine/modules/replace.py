"""Puts quantizers at the tensors of a plan and makes their layers use them."""

from __future__ import annotations

from torch import fx, nn

from quark_core.engine.modules.attach import add_quantizers, leave_fused_paths
from quark_core.engine.modules.layers import QuantizedLayer, quantized_class
from quark_core.engine.modules.own_code import drop_mode_hooks
from quark_core.engine.quantizer import Quantizer, quantizers
from quark_core.errors import ModelError
from quark_core.plugin.plan import LayerPlan, Plan

_PARAMETERS = ("weight", "bias")


def replace_modules(model: nn.Module, plan: Plan) -> nn.Module:
    """Change every layer of ``plan`` in place to its quantized form and return ``model``.

    Parameter names, ``isinstance`` and the keys of ``state_dict`` stay; scales are added to the keys.
    Raises ModelError when the model is not the one that was planned.
    """
    shared: dict[str, Quantizer] = {}
    modules = dict(model.named_modules())
    for layer in plan.layers:
        if not layer.tensors:
            continue
        if layer.name not in modules:
            raise ModelError(f"the plan has a layer {layer.name!r} that this model does not have")
        _replace(modules[layer.name], layer, shared)
    for name, module in modules.items():
        # Attention calls its output projection only in its quantized form.
        if isinstance(module, nn.MultiheadAttention) and isinstance(module.out_proj, QuantizedLayer):
            _change_class(module, name)
    leave_fused_paths(model)
    return model


def restore_modules(model: nn.Module) -> nn.Module:
    """Take every quantizer out of ``model``, in place, and return it: plain layers, which keep the quantized values.

    Undoes ``replace_modules``, quantizers that are calls in a ``torch.fx.GraphModule``, and hooks that a mode marked by
    ``mode_hook``. Raises ModelError when quantizers remain, because a mode put them elsewhere.
    """
    if isinstance(model, fx.GraphModule):
        _erase_calls(model)
    module: nn.Module
    for module in model.modules():
        serves = drop_mode_hooks(module) or isinstance(module, QuantizedLayer)
        for name, child in list(module.named_children()):
            if isinstance(child, Quantizer) and (serves or child.tensor.role in _PARAMETERS):
                delattr(module, name)
        if isinstance(module, QuantizedLayer):
            del module.layer_name
            object.__setattr__(module, "__class__", module.float_class)
    if (left := next(quantizers(model), None)) is not None:
        raise ModelError(f"{left.key}: its mode cannot give a plain network back; start from the float network")
    return model


def _erase_calls(model: fx.GraphModule) -> None:
    modules = dict(model.named_modules())
    for node in list(model.graph.nodes):
        if node.op == "call_module" and isinstance(modules[str(node.target)], Quantizer):
            node.replace_all_uses_with(node.args[0])
            model.graph.erase_node(node)
            model.delete_submodule(str(node.target))
    model.recompile()


def _replace(module: nn.Module, layer: LayerPlan, shared: dict[str, Quantizer]) -> None:
    if "forward" in vars(module) and any(tensor.role in ("input", "output") for tensor in layer.tensors):
        raise ModelError(
            f"{layer.name or 'the model'}: it was given a forward of its own, which would pass its quantizers by; "
            "write it as a class, or skip its input and output"
        )
    add_quantizers(module, layer, shared)
    _change_class(module, layer.name)


def _change_class(module: nn.Module, name: str) -> None:
    if not isinstance(module, QuantizedLayer):
        module.__class__ = quantized_class(type(module))
    if isinstance(module, QuantizedLayer):
        module.layer_name = name
