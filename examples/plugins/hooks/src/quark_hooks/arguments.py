"""Which arguments of a module's forward are activations, and where a call passes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from inspect import Parameter, signature

from torch import nn

_PLAIN = frozenset(("bool", "int", "float", "str", "None"))
"""Annotations that no tensor hides behind."""
_BY_POSITION = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class Argument:
    """Where a call of a module passes an activation."""

    tensor: str
    """Name of the activation in the plan."""
    name: str
    """Name of the argument in the signature of forward."""
    position: int | None
    """Place among the positional arguments; None for one that must be named."""


def located(module: nn.Module, tensors: Sequence[str]) -> tuple[Argument, ...]:
    """Return where ``module`` gets its inputs ``tensors``, which are all that it has, in order.

    A forward of its own may order or name them in its own way: names count first, then places.
    """
    parameters = list(signature(module.forward).parameters.values())
    names = [parameter.name for parameter in parameters]
    if all(tensor in names for tensor in tensors):
        return tuple(Argument(tensor, tensor, _position(parameters, tensor)) for tensor in tensors)
    placed = [parameter.name for parameter in parameters if parameter.kind in _BY_POSITION]
    # What stands behind *args is passed on, in the order of torch.nn.
    return tuple(
        Argument(tensor, placed[place] if place < len(placed) else tensor, place)
        for place, tensor in enumerate(tensors)
    )


def _position(parameters: list[Parameter], name: str) -> int | None:
    place, found = next((place, p) for place, p in enumerate(parameters) if p.name == name)
    return place if found.kind in _BY_POSITION else None


def required(module: nn.Module) -> list[str]:
    """Return the names of the tensors that forward requires: arguments without a default that may be tensors."""
    return [parameter.name for parameter in signature(module.forward).parameters.values() if _is_required(parameter)]


def left_out(module: nn.Module) -> Iterator[str]:
    """Yield why an argument of forward that may hold tensors is none of ``required``."""
    for parameter in signature(module.forward).parameters.values():
        if parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
            yield f"{parameter} has no fixed tensors"
        elif not _is_required(parameter) and _annotation(parameter) not in _PLAIN:
            why = "is optional" if parameter.default is not Parameter.empty else "is not annotated as a Tensor"
            yield f"{parameter.name} {why}"


def _is_required(parameter: Parameter) -> bool:
    fixed = parameter.kind in (*_BY_POSITION, Parameter.KEYWORD_ONLY) and parameter.default is Parameter.empty
    return fixed and _annotation(parameter) in ("Tensor", "Any", "")


def _annotation(parameter: Parameter) -> str:
    """Return the last part of a name, the whole text of anything else, and nothing where there is none."""
    found = parameter.annotation
    if found is Parameter.empty:
        return ""
    text = found if isinstance(found, str) else getattr(found, "__name__", None) or str(found)
    return text.rpartition(".")[2] if text.replace(".", "").isidentifier() else text
