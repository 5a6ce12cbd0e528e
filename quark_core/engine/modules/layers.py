"""A module becomes quantized by changing its class: parameters, names, hooks and its own ``forward`` all stay."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import cache
from typing import Any, cast

from torch import Tensor, nn

from quark_core.engine.modules.operators import operator_of
from quark_core.engine.quantizer import SUFFIX, Quantizer
from quark_core.errors import ModelError


class QuantizedLayer(nn.Module):
    """Mixed in before the class of an operator: quantizes what enters and leaves ``forward``.

    Parameters are not touched here: their values are snapped to the grid once, when scales are fixed.
    """

    float_class: type[nn.Module]
    layer_name: str

    def quantizer(self, name: str) -> Quantizer | None:
        """Return the quantizer of a tensor of this layer, or None where it stays float."""
        return cast("Quantizer | None", self._modules.get(name + SUFFIX))

    def quantize_tensor(self, name: str, value: object) -> Any:
        """Return ``value`` through the quantizer of that name, if there is one."""
        quantizer = self.quantizer(name)
        if quantizer is None:
            return value
        if not isinstance(value, Tensor):
            raise ModelError(
                f"{quantizer.key}: a tensor is needed, {type(value).__name__} was passed; exclude the layer"
            )
        return quantizer(value)

    def quantize_inputs(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments of ``forward`` with its activations quantized."""
        positional, named = list(args), dict(kwargs)
        operator = operator_of(self)
        for position, name in enumerate(operator.inputs if operator else ()):
            if position < len(positional):
                positional[position] = self.quantize_tensor(name, positional[position])
            elif name in named:
                named[name] = self.quantize_tensor(name, named[name])
            elif self.quantizer(name):
                raise ModelError(
                    f"{self.layer_name}: forward was called without {name!r}; pass it by position, or skip the input"
                )
        return positional, named

    def quantize_output(self, value: Any) -> Any:
        """Return the result of ``forward`` quantized; of a tuple, its first item."""
        if isinstance(value, tuple) and value and self.quantizer("output"):
            return (self.quantize_tensor("output", value[0]), *value[1:])
        return self.quantize_tensor("output", value)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the operator's own forward between quantized inputs and outputs."""
        positional, named = self.quantize_inputs(args, kwargs)
        return self.quantize_output(super().forward(*positional, **named))

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        # The class is made on the fly, so pickle must be told how to make it again.
        return _rebuild, (self.float_class,), self.__dict__


@cache
def _quantized_class(cls: Any) -> type[QuantizedLayer]:
    from quark_core.engine.modules.attention import ProjectedAttention

    bases: tuple[type, ...] = (QuantizedLayer, cls)
    if issubclass(cls, nn.MultiheadAttention):
        own = () if cls is nn.MultiheadAttention else (cls,)
        bases = (QuantizedLayer, *own, ProjectedAttention)
    return type(f"Quantized{cls.__name__}", bases, {"__module__": cls.__module__, "float_class": cls})


def quantized_class(cls: type[nn.Module]) -> type[QuantizedLayer]:
    """Return a subclass of ``cls`` that quantizes its activations; the same one for the same ``cls``."""
    key: Hashable = cls  # type: ignore[assignment]  # classes are hashable; nn.Module's own __hash__ confuses the checker
    try:
        return _quantized_class(key)
    except TypeError as error:
        raise ModelError(f"{cls.__qualname__} cannot be quantized, since it forbids subclasses: {error}") from error


def _rebuild(cls: type[nn.Module]) -> nn.Module:
    made = quantized_class(cls)
    return made.__new__(made)
