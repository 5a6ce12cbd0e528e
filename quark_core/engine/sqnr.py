"""Signal to quantization noise: 10 log10(sum x^2 / sum (x - y)^2), in decibels, accumulated in float64."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


def _squares(x: Tensor, y: Tensor) -> tuple[float, float]:
    """Return the sums of the squares of ``x`` and of ``x - y``, each 1-D."""
    wide = x.to(torch.float64)
    difference = wide - y.to(torch.float64)
    return float(torch.dot(wide, wide)), float(torch.dot(difference, difference))


@dataclass
class Sqnr:
    """Accumulates signal and noise over any number of tensors."""

    signal: float = 0.0
    noise: float = 0.0
    values: int = 0
    """How many were taken in."""

    def add(self, x: Tensor, y: Tensor) -> None:
        """Take in values ``x`` and what became of them, ``y``; any float dtype, same shape."""
        self.values += x.numel()
        exact, changed = x.detach().reshape(-1), y.detach().reshape(-1)
        # In pieces: a float64 copy of a large weight would cost more memory than the model.
        for a, b in zip(torch.split(exact, 1 << 18), torch.split(changed, 1 << 18), strict=True):
            signal, noise = _squares(a, b)
            self.signal += signal
            self.noise += noise

    @property
    def db(self) -> float | None:
        """The ratio in decibels; infinity when nothing changed, NaN when a value is not finite, None without values."""
        if not self.values:
            return None
        if math.isnan(self.signal) or not math.isfinite(self.noise):
            return math.nan
        if self.noise == 0:
            return math.inf
        return 10 * (math.log10(self.signal) - math.log10(self.noise)) if self.signal > 0 else -math.inf
