"""What the IPU does with a calibrated model."""

import torch
from torch import nn

from quark_core.engine.authoring import quantizers
from quark_core.errors import DeviceError
from quark_core.plugin import Options

_NOT_HERE = "no runtime of the Ryzen AI NPU can be reached from PyTorch; the model is simulated on the host"


class Ipu:
    """Proves that every scale is a power of two; execution on the hardware is not available from here."""

    def __init__(self, options: Options) -> None:
        del options

    def unavailable(self) -> str | None:
        """Return why the hardware cannot run a model from here."""
        return _NOT_HERE

    def adjust(self, prepared: nn.Module) -> None:
        """Raise DeviceError when a scale is not a power of two; the shifts between layers are not adjusted."""
        for quantizer in quantizers(prepared):
            scale = quantizer.scale
            if scale is not None and not bool((torch.frexp(scale).mantissa == 0.5).all()):
                raise DeviceError(f"{quantizer.key}: the IPU needs power-of-two scales; write scale_type: pof2")

    def lower(self, model: nn.Module) -> nn.Module:
        """Raise DeviceError: the hardware is not reachable."""
        del model
        raise DeviceError(_NOT_HERE)
