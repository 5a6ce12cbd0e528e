"""What the CPU does with a model: runs it as it is."""

from torch import nn

from quark_core.plugin import Options


class Cpu:
    """Runs fake-quantized models in floating point; has no constraints on scales."""

    def __init__(self, options: Options) -> None:
        del options

    def unavailable(self) -> str | None:
        """Return None: the CPU is always there."""
        return None

    def adjust(self, prepared: nn.Module) -> None:
        """Change nothing: any scale will do."""

    def lower(self, model: nn.Module) -> nn.Module:
        """Return ``model`` itself: PyTorch executes the fake-quantized model on the CPU as it is."""
        return model
