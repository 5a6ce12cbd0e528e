"""Describes a model for a plan: torch.nn as the engine knows it, classes that the options name, what hooks miss."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace

from torch import nn

from quark_core.engine.authoring import is_operator, outline_modules
from quark_core.errors import PlanError, Problem
from quark_core.plugin import LayerOutline, Outline
from quark_hooks.own import notes, tensors_of

ATTENTION = (
    "input and output stay float: attention reads the parameters of its projection without calling it, which hooks do "
    "not see; eager_mode and fx_graph_mode quantize them"
)


def outline_model(model: nn.Module, classes: Sequence[str]) -> Outline:
    """Return every module of ``model`` with what can be quantized there.

    Raises ModelError when the model is quantized already or has lazy parameters, and PlanError for a class of which
    there is no module.
    """
    plain = outline_modules(model)
    modules = dict(model.named_modules())
    named = {layer.name for layer in plain.layers if set(layer.types) & set(classes)}
    own = {name for name in named if not is_operator(modules[name])}
    _check_classes(classes, plain)
    work = _Outlines(model, own)
    return Outline(tuple(work.layer(layer, modules[layer.name]) for layer in plain.layers))


def _check_classes(classes: Sequence[str], outline: Outline) -> None:
    known = {name for layer in outline.layers for name in layer.types}
    for number, name in enumerate(classes):
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), 3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"its classes are: {', '.join(sorted(known))}"
            problem = Problem(f"no module of this model is a {name}", hint, ("mode", "classes", number))
            raise PlanError([problem])


class _Outlines:
    def __init__(self, model: nn.Module, own: set[str]) -> None:
        self._own = own
        self._first: dict[int, str] = {}
        for name, parameter in model.named_parameters(remove_duplicate=False):
            self._first.setdefault(id(parameter), name)
        self._owners = self._owned(model)
        self._projections = {
            f"{name}.out_proj".lstrip(".")
            for name, module in model.named_modules()
            if isinstance(module, nn.MultiheadAttention)
        }

    def _owned(self, model: nn.Module) -> dict[int, str]:
        # A parameter that several modules hold counts where it can be quantized; operators come first, as in the
        # outline of the engine.
        def rank(item: tuple[str, nn.Module]) -> int:
            return 0 if is_operator(item[1]) else 1 if item[0] in self._own else 2

        owners: dict[int, str] = {}
        for name, module in sorted(model.named_modules(), key=rank):
            for parameter in module.parameters(recurse=False):
                owners.setdefault(id(parameter), name)
        return owners

    def layer(self, layer: LayerOutline, module: nn.Module) -> LayerOutline:
        """Return what this mode makes of a layer as the engine describes it."""
        if is_operator(module):
            return self._without_activations(layer) if layer.name in self._projections else layer
        held = {id(p): p.numel() for p in module.parameters(recurse=False) if self._owners[id(p)] == layer.name}
        if layer.name not in self._own:
            return replace(layer, parameters=sum(held.values()))
        tensors = tensors_of(layer.name, module, self._first, set(held))
        kept = "; ".join(notes(module))
        return replace(layer, tensors=tensors, parameters=sum(held.values()), unsupported=kept or None)

    def _without_activations(self, layer: LayerOutline) -> LayerOutline:
        held = tuple(tensor for tensor in layer.tensors if tensor.role in ("weight", "bias"))
        return replace(layer, tensors=held, unsupported=layer.unsupported or ATTENTION)
