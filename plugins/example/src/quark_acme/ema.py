"""The observer's torch code, imported only when a config uses it."""

from typing import Self

import torch
from torch import Tensor

from quark_acme import EmaOptions


class Ema:
    """A weighted mean of the batches' ranges; a batch that is ``n`` batches old weighs ``momentum ** n``.

    Sums and their weights are kept apart, so the first batch counts like any other and merging is an addition.
    """

    def __init__(self, options: EmaOptions) -> None:
        self._keep = options.momentum
        self.sums = torch.zeros(3, 1, dtype=torch.float64)

    def observe(self, blocks: Tensor) -> None:
        """Take in a batch, ``[blocks, elements]``: the sums of minimum, maximum and weight, each ``[blocks]``."""
        batch = torch.stack([blocks.amin(1), blocks.amax(1), torch.ones_like(blocks[:, 0])])
        self.sums = self._keep * self.sums.to(batch.device) + batch

    def merge(self, other: Self) -> None:
        """Take in what ``other`` observed, as if both had run at the same time."""
        self.sums = self.sums + other.sums

    def range(self) -> tuple[Tensor, Tensor]:
        """Return the mean minimum and maximum, each ``[blocks]`` float32."""
        lo, hi, weight = self.sums
        return (lo / weight).float(), (hi / weight).float()
