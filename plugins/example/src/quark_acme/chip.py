"""The device's torch code, imported only when a config uses it."""

import torch
from torch import Tensor, nn

from quark_acme import ChipOptions
from quark_core.engine.authoring import quantizers
from quark_core.errors import DeviceError
from quark_core.plugin import Adjustment

MISSING = "the driver of the chip is not installed"


class Chip:
    """Makes scales fit the chip; models are quantized for it here, and run elsewhere."""

    def __init__(self, options: ChipOptions) -> None:
        self._least = options.least_exponent

    def unavailable(self) -> str | None:
        """Return why nothing can be executed here."""
        return MISSING

    def adjust(self, prepared: nn.Module) -> list[Adjustment]:
        """Raise every scale, in place, to the next power of two, and return what was changed."""
        changes = []
        for quantizer in quantizers(prepared):
            scale = quantizer.scale
            if scale is None:
                continue
            before = scale.clone()
            scale.copy_(_power_of_two(before, self._least))
            if not torch.equal(scale, before):
                old, new = (f"largest scale {float(value.max()):.4g}" for value in (before, scale))
                changes.append(Adjustment(quantizer.key, old, new, "the chip scales by shifting"))
        return changes

    def lower(self, model: nn.Module) -> nn.Module:
        """Raise DeviceError: executing needs the driver."""
        raise DeviceError(f"{type(model).__name__} cannot be lowered: {MISSING}; run the saved model on the chip")


def _power_of_two(scale: Tensor, least: int) -> Tensor:
    # frexp is exact where log2 may be off by a rounding: scale = mantissa * 2^exponent, 0.5 <= mantissa < 1.
    mantissa, exponent = torch.frexp(scale)
    exponent = (exponent - (mantissa == 0.5).to(exponent.dtype)).clamp(min=least)
    return torch.ldexp(torch.ones_like(scale), exponent)
