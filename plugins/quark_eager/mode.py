"""Eager mode: every known operator becomes its quantized form where it stands."""

from torch import nn

from quark_core.engine.authoring import outline_modules, replace_modules
from quark_core.plugin import ExampleInputs, Options, Outline, Plan
from quark_eager import EagerOptions
from quark_eager.fold import fold, shell


class Eager:
    """Replaces modules in place; the model's own Python code stays in charge."""

    def __init__(self, options: Options) -> None:
        # Modes that derive from this one have options of their own.
        self._fold = isinstance(options, EagerOptions) and options.fold_batch_norm

    def outline(self, model: nn.Module, example_inputs: ExampleInputs) -> Outline:
        """Describe every module, as it is after folding where that is asked for; nothing is run."""
        del example_inputs
        # Before folding too: what is wrong with the model itself must be said of the model itself.
        outline = outline_modules(model)
        return outline_modules(fold(shell(model))) if self._fold else outline

    def prepare(self, model: nn.Module, plan: Plan, example_inputs: ExampleInputs) -> nn.Module:
        """Put quantizers into ``model`` itself and return it."""
        del example_inputs
        return replace_modules(fold(model) if self._fold else model, plan)

    def convert(self, prepared: nn.Module) -> nn.Module:
        """Return ``prepared``: with its scales fixed it is the final model."""
        return prepared
