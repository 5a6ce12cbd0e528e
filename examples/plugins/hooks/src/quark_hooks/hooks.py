"""What PyTorch calls before and after the forward of a module.

A hook finds its quantizers in the module that it is called with, so copies of a model use their own ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from quark_core.engine.authoring import SUFFIX
from quark_core.errors import ModelError
from quark_hooks.arguments import Argument


@dataclass(frozen=True)
class QuantizeInputs:
    """Quantizes arguments of a call, positional or named."""

    layer: str
    arguments: tuple[Argument, ...]

    def __call__(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments with activations quantized; raises ModelError where one is missing or no tensor."""
        given, named = list(args), dict(kwargs)
        for argument in self.arguments:
            place = argument.position
            if place is not None and place < len(given):
                given[place] = self._quantized(module, argument, given[place])
            elif argument.name in named:
                named[argument.name] = self._quantized(module, argument, named[argument.name])
            else:
                raise ModelError(
                    f"{self.layer or 'the model'}: was called without {argument.name!r}; pass it, or skip its input"
                )
        return tuple(given), named

    def _quantized(self, module: nn.Module, argument: Argument, value: object) -> Any:
        if not isinstance(value, Tensor):
            raise ModelError(
                f"{self.layer or 'the model'}: a tensor is needed as {argument.name!r}, {type(value).__name__} was "
                "passed; skip its input, or exclude the layer"
            )
        return getattr(module, argument.tensor + SUFFIX)(value)


@dataclass(frozen=True)
class QuantizeOutput:
    """Quantizes what a module returns: a tensor, or the first item of a tuple that has no other activations."""

    layer: str

    def __call__(self, module: nn.Module, _args: tuple[Any, ...], output: Any) -> Any:
        """Return the output quantized; raises ModelError where one quantizer cannot serve it."""
        quantizer = getattr(module, "output" + SUFFIX)
        if isinstance(output, Tensor):
            return quantizer(output)
        items = list(output) if isinstance(output, tuple) else []
        if not items or not isinstance(items[0], Tensor) or any(_activations(items[1:])):
            raise ModelError(
                f"{self.layer or 'the model'}: its output is a {type(output).__name__}, and one quantizer serves a "
                "tensor, or a tuple whose first item alone is a floating-point tensor; skip its output"
            )
        # Named tuples are made from their items in their own way.
        made: Any = getattr(type(output), "_make", type(output))
        return made([quantizer(items[0]), *items[1:]])


def _activations(value: object) -> Iterator[bool]:
    """Yield True for each floating-point tensor in nested containers."""
    if isinstance(value, Tensor):
        if value.is_floating_point():
            yield True
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _activations(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _activations(item)
