"""uint8 codes of activations, as the kernels want them, and what they stand for."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from quark_core.engine.authoring import Quantizer
from quark_core.plugin import IntFormat, Settings


@dataclass(frozen=True)
class Grid:
    """Codes from 0 to ``largest`` that stand for (code - zero_point) * scale."""

    scale: float
    zero_point: int
    largest: int = 255

    def codes(self, x: Tensor) -> Tensor:
        """Return the codes, uint8, of floating-point ``x`` of any shape: a true division, ties to even."""
        work = torch.div(x, self.scale).round_()
        return work.clamp_(-self.zero_point, self.largest - self.zero_point).add_(self.zero_point).to(torch.uint8)

    def reaches(self, value: float) -> bool:
        """Return whether ``value`` has the largest code, so that saturation does what a limit at ``value`` does."""
        return int(self.codes(torch.tensor(value))) == self.largest

    def values(self, codes: Tensor) -> Tensor:
        """Return what ``codes`` stand for, float32."""
        return codes.float().sub_(self.zero_point).mul_(self.scale)


def grid_of(quantizer: Quantizer) -> Grid | None:
    """Return the grid of a quantizer with one fixed scale, or None where the kernels have no such codes."""
    fmt, params = quantizer.settings.dtype.format, quantizer.params
    if no_codes(quantizer.settings) is not None or params is None or not isinstance(fmt, IntFormat):
        return None
    # Signed codes are moved up, so that the lowest one is 0.
    return Grid(float(params.scale), int(params.zero_point) - int(fmt.qmin), int(fmt.qmax - fmt.qmin))


def no_codes(settings: Settings) -> str | None:
    """Return why an activation with these settings cannot be uint8 codes of one scale, or None."""
    fmt = settings.dtype.format
    if not isinstance(fmt, IntFormat) or fmt.bits > 8:
        return f"dtype {settings.dtype.name}: the kernels take integers of at most 8 bits"
    if not settings.rounding.is_half_even:
        return f"round_method {settings.rounding.name}: the kernels round half to even"
    return None


def is_one_scale(settings: Settings) -> bool:
    """Return whether there is one fixed scale for the whole tensor."""
    return settings.qscheme == "per_tensor" and not settings.is_dynamic
