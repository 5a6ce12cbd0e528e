"""Describes a model module by module, without running it."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from quark_core.engine.modules.operators import Operator, operator_of
from quark_core.engine.quantizer import quantizers
from quark_core.errors import ModelError
from quark_core.plugin.outline import LayerOutline, Outline, TensorOutline


def outline_modules(model: nn.Module) -> Outline:
    """Return every module of ``model`` with the tensors that can be quantized there.

    Inputs stand in the order in which the module's forward takes them.
    Raises ModelError when the model is quantized already, or has lazy parameters without a shape.
    """
    if (held := next(quantizers(model), None)) is not None:
        raise ModelError(f"{held.tensor.layer or 'the model'} is quantized already; give the original float model")
    names = _first_names(model)
    owners = _owners(model)
    return Outline(tuple(_layer(name, module, names, owners) for name, module in model.named_modules()))


def _owners(model: nn.Module) -> dict[int, str]:
    # A parameter that an operator shares with something else counts there, where it can be quantized.
    owners: dict[int, str] = {}
    modules = sorted(model.named_modules(), key=lambda item: operator_of(item[1]) is None)
    for name, module in modules:
        for parameter in module.parameters(recurse=False):
            owners.setdefault(id(parameter), name)
    return owners


def _first_names(model: nn.Module) -> dict[int, str]:
    names: dict[int, str] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if is_lazy(parameter):
            raise ModelError(f"{name} has no shape yet; run one batch through the model first")
        names.setdefault(id(parameter), name)
    return names


def _layer(name: str, module: nn.Module, names: dict[int, str], owners: dict[int, str]) -> LayerOutline:
    own = list(module.parameters(recurse=False))
    fresh = {id(p): p.numel() for p in own if owners[id(p)] == name}
    operator = operator_of(module)
    reason = _unsupported(module, operator, own) if fresh or operator else None
    tensors: tuple[TensorOutline, ...] = ()
    if operator is not None and reason is None:
        tensors = tuple(_tensors(module, operator, names, fresh))
    types = tuple(cls.__name__ for cls in type(module).__mro__ if issubclass(cls, nn.Module) and cls is not nn.Module)
    kind = operator.name if operator else None
    return LayerOutline(name, types or ("Module",), tensors, sum(fresh.values()), reason, operator=kind)


def _unsupported(module: nn.Module, operator: Operator | None, own: list[nn.Parameter]) -> str | None:
    if operator is None:
        return f"{type(module).__name__} has no quantized form" if own else None
    if not any(_parameter(module, weight.name) is not None for weight in operator.weights):
        return (
            "its weight is computed from other parameters (a parametrization or weight norm); remove that first, "
            "for example with torch.nn.utils.parametrize.remove_parametrizations"
        )
    if getattr(module, "max_norm", None) is not None:
        return "its forward renormalizes its weight (max_norm), which would leave the grid; renormalize it beforehand"
    if not all(p.is_floating_point() for p in own):
        return "its parameters are not floating point"
    return None


def _parameter(module: nn.Module, name: str) -> Tensor | None:
    # getattr would also find what a parametrization computes.
    return dict(module.named_parameters(recurse=False)).get(name)


def _tensors(
    module: nn.Module, operator: Operator, names: dict[int, str], fresh: dict[int, int]
) -> Iterator[TensorOutline]:
    for weight in operator.weights:
        yield from _own(
            module, "weight", weight.name, (weight.channel_axis, weight.group_axis), names=names, fresh=fresh
        )
    for bias in operator.biases:
        yield from _own(module, "bias", bias, (0, 0), names=names, fresh=fresh)
    axis = operator.activation_axis
    for name in operator.inputs:
        length = operator.input_length(module, name)
        yield TensorOutline("input", name, channel_axis=axis, group_axis=axis, group_length=length)
    if operator.has_output:
        yield TensorOutline("output", "output", channel_axis=axis, group_axis=axis)


def _own(
    module: nn.Module, role: str, name: str, axes: tuple[int, int], *, names: dict[int, str], fresh: dict[int, int]
) -> Iterator[TensorOutline]:
    parameter = _parameter(module, name)
    if parameter is None:
        return
    yield TensorOutline(
        role,
        name,
        shape=tuple(parameter.shape),
        channel_axis=axes[0],
        group_axis=axes[1],
        storage=names[id(parameter)],
        elements=fresh.get(id(parameter), 0),
    )
