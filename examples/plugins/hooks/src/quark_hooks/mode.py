"""The mode's torch code, imported only when a config names it."""

from __future__ import annotations

from torch import nn

from quark_core.plugin import ExampleInputs, Outline, Plan
from quark_hooks import HookOptions
from quark_hooks.attach import attach
from quark_hooks.outline import outline_model
from quark_hooks.reached import Reached


class Hooks:
    """Quantizers become submodules of the layers whose tensors they quantize, and hooks call them."""

    def __init__(self, options: HookOptions) -> None:
        self._classes = options.classes
        self._reached: Reached | None = None

    def outline(self, model: nn.Module, example_inputs: ExampleInputs) -> Outline:
        """Describe every module; nothing is run."""
        del example_inputs
        return outline_model(model, self._classes)

    def prepare(self, model: nn.Module, plan: Plan, example_inputs: ExampleInputs) -> nn.Module:
        """Put quantizers and hooks into ``model`` itself and return it."""
        outline = self.outline(model, example_inputs)
        attach(model, plan, outline)
        self._reached = Reached.watch(model)
        return model

    def convert(self, prepared: nn.Module) -> nn.Module:
        """Return ``prepared``: its final form is the same modules with the same hooks.

        Raises ModelError where the model ran and a quantizer of an activation was never called.
        """
        if self._reached is not None:
            self._reached.check(prepared)
            self._reached = None
        return prepared
