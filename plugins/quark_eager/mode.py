"""Eager mode: every known operator becomes its quantized form where it stands."""

from torch import nn

from quark_core.engine.authoring import outline_modules, replace_modules
from quark_core.plugin import ExampleInputs, Options, Outline, Plan


class Eager:
    """Replaces modules in place; the model's own Python code stays in charge."""

    def __init__(self, options: Options) -> None:
        del options

    def outline(self, model: nn.Module, example_inputs: ExampleInputs) -> Outline:
        """Describe every module; nothing is run."""
        del example_inputs
        return outline_modules(model)

    def prepare(self, model: nn.Module, plan: Plan, example_inputs: ExampleInputs) -> nn.Module:
        """Put quantizers into ``model`` itself and return it."""
        del example_inputs
        return replace_modules(model, plan)

    def convert(self, prepared: nn.Module) -> nn.Module:
        """Return ``prepared``: with its scales fixed it is the final model."""
        return prepared
