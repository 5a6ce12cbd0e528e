"""The observer's torch code, imported only when a config uses it."""

from typing import Self

import torch
from torch import Tensor

from quark_acme import EmaOptions


class Ema:
    """A weighted mean of ranges; the first batch counts like any other, so nothing leans toward it.

    A batch that is ``n`` batches old weighs ``momentum ** n``. Merging adds weighted sums, so its order is free.
    """

    def __init__(self, options: EmaOptions) -> None:
        self._keep = options.momentum
        self.total: Tensor | float = 0.0
        self.weight = 0.0

    def observe(self, blocks: Tensor) -> None:
        """Take in a batch, ``[blocks, elements]``."""
        self.total = self._keep * self.total + torch.stack([blocks.amin(1), blocks.amax(1)]).double()
        self.weight = self._keep * self.weight + 1

    def merge(self, other: Self) -> None:
        """Take in what ``other`` observed, as if both had run at the same time."""
        self.total = self.total + other.total
        self.weight += other.weight

    def range(self) -> tuple[Tensor, Tensor]:
        """Return the mean minimum and maximum, each ``[blocks]``."""
        lo, hi = (torch.as_tensor(self.total) / self.weight).float()
        return lo, hi
