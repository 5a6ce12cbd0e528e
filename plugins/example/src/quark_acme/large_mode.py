"""The mode's torch code, imported only when a config uses it."""

import math
from dataclasses import replace

from torch import nn

from quark_acme import LargeModeOptions
from quark_core.engine.authoring import outline_modules, replace_modules
from quark_core.plugin import ExampleInputs, LayerOutline, Outline, Plan


class LargeMode:
    """Replaces modules in place, as eager mode does, but only those with a large weight."""

    def __init__(self, options: LargeModeOptions) -> None:
        self._least = options.least_values

    def outline(self, model: nn.Module, example_inputs: ExampleInputs) -> Outline:
        """Describe every module; nothing is run."""
        del example_inputs
        return Outline(tuple(self._judged(layer) for layer in outline_modules(model).layers))

    def _judged(self, layer: LayerOutline) -> LayerOutline:
        size = max((math.prod(tensor.shape) for tensor in layer.tensors if tensor.shape), default=0)
        if not layer.tensors or size >= self._least:
            return layer
        why = f"its weight has {size} values, acme.large_mode asks for {self._least}"
        return replace(layer, tensors=(), unsupported=why)

    def prepare(self, model: nn.Module, plan: Plan, example_inputs: ExampleInputs) -> nn.Module:
        """Put quantizers into ``model`` itself and return it."""
        del example_inputs
        return replace_modules(model, plan)

    def convert(self, prepared: nn.Module) -> nn.Module:
        """Return ``prepared``: with its scales fixed it is the final model."""
        return prepared
