"""Folds batch norms into the layers before them, on the model itself."""

from __future__ import annotations

import copy
from functools import partial
from itertools import chain
from typing import Any

from torch import Tensor, nn

from quark_core.engine.authoring import Norm, folded, mode_hook
from quark_core.errors import ModelError
from quark_eager.pairs import Pair, pairs

_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def shell(model: nn.Module) -> nn.Module:
    """Return a copy of ``model`` whose modules are its own, and whose parameters and buffers are those of ``model``."""
    tensors = chain(model.parameters(), model.buffers())
    return copy.deepcopy(model, {id(tensor): tensor for tensor in tensors})


def fold(model: nn.Module) -> nn.Module:
    """Fold in place what can be and return ``model``; a norm that was folded becomes ``nn.Identity``.

    Layers get new parameters, the old ones do not change. Raises ModelError when the model cannot be traced.
    A folded model raises it where a norm behind a linear layer gets more than two axes.
    """
    found = pairs(model)
    modules: dict[str, Any] = dict(model.named_modules(remove_duplicate=False))
    for pair in found:
        norm = modules[pair.norm]
        values = Norm(norm.running_mean, norm.running_var, norm.weight, norm.bias, norm.eps)
        _take_in(modules[pair.layer], values)
    # One that has several names stays one module.
    instead = {id(modules[pair.norm]): _nothing(pair, modules[pair.layer]) for pair in found}
    for name, module in modules.items():
        if id(module) in instead:
            model.set_submodule(name, instead[id(module)])
    return model


def _nothing(pair: Pair, layer: nn.Module) -> nn.Identity:
    made = nn.Identity().eval()
    if isinstance(layer, nn.Linear):
        made.register_forward_pre_hook(mode_hook(partial(_check_axis, pair)))
    return made


def _check_axis(pair: Pair, _module: nn.Module, args: tuple[Tensor, ...]) -> None:
    # A batch norm works on axis 1 and a linear layer on the last one; a trace does not tell whether they are the same.
    if args[0].dim() > 2:
        raise ModelError(
            f"{pair.norm} cannot be folded into {pair.layer}, whose results have {args[0].dim()} axes: the norm works "
            "on axis 1, the layer on the last. Leave fold_batch_norm of eager_mode out"
        )


def _take_in(layer: Any, norm: Norm) -> None:
    weight: Tensor = layer.weight
    groups = layer.groups if isinstance(layer, _TRANSPOSED) else 1
    # The output channels of a transposed convolution lie in groups along both axes.
    channels = weight.reshape(groups, -1, *weight.shape[1:]).transpose(0, 1).flatten(1, 2) if groups > 1 else weight
    new, bias = folded(channels, layer.bias, norm, int(isinstance(layer, _TRANSPOSED)))
    if groups > 1:
        new = new.reshape(new.shape[0], groups, -1, *weight.shape[2:]).transpose(0, 1).reshape(weight.shape)
    layer.weight, layer.bias = nn.Parameter(new), nn.Parameter(bias)
