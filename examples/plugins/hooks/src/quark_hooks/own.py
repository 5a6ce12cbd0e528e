"""Describes a module of a class that the options name: what of it can be quantized, and what cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from quark_core.errors import ModelError
from quark_core.plugin import TensorOutline
from quark_hooks.arguments import left_out, required


def tensors_of(name: str, module: nn.Module, first: Mapping[int, str], own: set[int]) -> tuple[TensorOutline, ...]:
    """Return the tensors of ``module``, which the model calls ``name``.

    ``first`` maps the identity of each parameter to its first name, ``own`` holds those that count here. Raises
    ModelError where a parameter and an argument have one name.
    """
    held = [
        TensorOutline(
            role="bias" if _is_bias(label) else "weight",
            name=label,
            shape=tuple(parameter.shape),
            channel_axis=0,
            group_axis=min(1, parameter.dim() - 1),
            storage=first[id(parameter)],
            elements=parameter.numel() if id(parameter) in own else 0,
        )
        for label, parameter in module.named_parameters(recurse=False)
        if parameter.is_floating_point() and parameter.dim()
    ]
    inputs = [TensorOutline("input", label, channel_axis=-1, group_axis=-1) for label in required(module)]
    output = TensorOutline("output", "output", channel_axis=-1, group_axis=-1)
    _check_names(name, held, [*inputs, output])
    return (*held, *inputs, output)


def notes(module: nn.Module) -> Iterator[str]:
    """Yield what of a module stays as it is, and why."""
    for label, parameter in module.named_parameters(recurse=False):
        if not parameter.is_floating_point():
            yield f"{label} is not floating point"
        elif not parameter.dim():
            yield f"{label} is a single number"
    if is_parametrized(module):
        yield "what a parametrization computes from other parameters is no parameter"
    yield from left_out(module)


def _is_bias(label: str) -> bool:
    # As torch.nn names them: bias, in_proj_bias, bias_ih_l0.
    return "bias" in label.split("_")


def _check_names(name: str, held: list[TensorOutline], activations: list[TensorOutline]) -> None:
    taken = {tensor.name for tensor in held}
    for activation in activations:
        if activation.name in taken:
            raise ModelError(
                f"{name or 'the model'} has a parameter {activation.name!r} and an {activation.role} of that name, "
                "and a config could not tell them apart; rename one, or leave its class out of classes"
            )
