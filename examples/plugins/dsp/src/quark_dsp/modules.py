"""Lowers models of modules: each layer with quantizers of weight and input becomes one of the DSP's."""

from __future__ import annotations

from typing import Any

from torch import nn

from quark_core.engine.authoring import convolution_of, own_code, quantizer_at
from quark_core.plugin import LayerPath
from quark_dsp.layers import IntegerConv2d, IntegerLinear, Replaced
from quark_dsp.operands import no_operands, operands

LINEAR, CONV2D = LayerPath("integer", "int8 matmul, int32 sums"), LayerPath("integer", "int8 conv2d, int32 sums")


def lower_modules(model: nn.Module) -> nn.Module:
    """Return ``model``, changed in place; its ``layer_paths`` say how each quantized layer computes."""
    paths: dict[str, LayerPath] = {}
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Linear | nn.Conv2d) and quantizer_at(module, "input"):
            paths[name] = no_path(model, name, module) or (CONV2D if isinstance(module, nn.Conv2d) else LINEAR)
            if paths[name].path == "integer":
                model = _with(model, module, _lowered(module))
    result: Any = model
    result.layer_paths = paths
    return model


def own_forward(module: nn.Module) -> bool:
    """Return whether a linear layer or a convolution computes more than its kind does."""
    if isinstance(module, nn.Conv2d):
        return convolution_of(module) is None
    return own_code(module, nn.Linear) is not None


def no_path(model: nn.Module, name: str, module: nn.Module) -> LayerPath | None:
    """Return how a layer computes that has to stay as it is, or None."""
    why = no_operands(quantizer_at(module, "weight"), quantizer_at(module, "input"))
    if own_forward(module):
        why = "its class computes more than its kind of layer does"
    if isinstance(model.get_submodule(name.rpartition(".")[0]), nn.MultiheadAttention):
        why = "attention reads the parameters of its projection"
    return LayerPath("simulated", why) if why else None


def _lowered(module: nn.Linear | nn.Conv2d) -> nn.Module:
    weight, source, output = (quantizer_at(module, name) for name in ("weight", "input", "output"))
    if weight is None or source is None:
        raise ValueError("a layer of the DSP needs quantizers of weight and input")
    own, how = operands(weight, source, tuple(module.weight.shape), module.bias), convolution_of(module)
    return Replaced(IntegerLinear(own) if how is None else IntegerConv2d(own, how), module, output)


def _with(model: nn.Module, old: nn.Module, new: nn.Module) -> nn.Module:
    """Return ``model`` with ``new`` wherever ``old`` stood."""
    new.train(old.training)
    if model is old:
        return new
    for name, module in list(model.named_modules(remove_duplicate=False)):
        if module is old:
            model.set_submodule(name, new)
    return model
