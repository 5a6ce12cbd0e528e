"""Finds the step of a staircase that float32 values lie on by two look-ups, however many steps there are.

The leading bits of a value name its cell. Cells are so narrow that each holds one threshold at most, so that one
comparison decides between the two steps that a cell may touch.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from quark_core.engine.kernels.scratch import Scratch

StepOf = Callable[[Tensor], Tensor]
"""Maps finite float32 values, 1-D, to steps 0, 1, ...; it never falls and depends on nothing but the value."""
NO_STEP = -1
"""The step of NaN."""
_SHIFTS = range(23, 14, -1)
"""Bits of a value that do not name its cell, most first; with the fewest, all tables together take 2.5 MiB."""
_LARGEST = 0x7F7FFFFF
"""Bits of the largest float32."""


def thresholds_of(step_of: StepOf, steps: int, device: torch.device) -> Tensor:
    """Return the smallest float32 of each step but the first, ``[steps - 1]``, by bisection."""
    wanted = torch.arange(1, steps, device=device)
    low, high = torch.full_like(wanted, -_LARGEST), torch.full_like(wanted, _LARGEST)
    while bool((low < high).any()):
        middle = (low + high) >> 1
        reached = step_of(_float_at(middle)) >= wanted
        high = torch.where(reached, middle, high)
        low = torch.where(reached, low, middle + 1)
    return _float_at(low)


class Cells:
    """The cells of one staircase."""

    def __init__(self, thresholds: Tensor, shift: int) -> None:
        """Divide all float32 values into ``2^(32 - shift)`` cells; ``thresholds`` are those of ``thresholds_of``."""
        self._shift = shift
        self._cell_of_zero = 1 << (31 - shift)
        start, stop = self._ends(thresholds.device)
        # The first cell of either infinity holds NaN too, and NaN alone is not at least infinity.
        special = stop.isnan()
        ends = torch.stack([start, torch.where(special, start, stop)]).nan_to_num()
        low, high = torch.bucketize(ends, thresholds, right=True).aminmax(dim=0)
        self.fit = bool((high - low <= 1).all())
        """Whether no cell holds two thresholds."""
        self._thresholds = torch.where(special, start, thresholds[low.clamp(max=len(thresholds) - 1)])
        low, high = low.masked_fill(special, NO_STEP), high.masked_fill(start.isnan(), NO_STEP)
        self.steps = torch.stack([low, high], dim=1).flatten().int()
        """The step at each position that ``find`` returns, int32."""

    @classmethod
    def of(cls, thresholds: Tensor) -> Cells | None:
        """Return as few cells as will do; None when they would be too many."""
        return next((cells for shift in _SHIFTS if (cells := cls(thresholds, shift)).fit), None)

    def find(self, v: Tensor, scratch: Scratch) -> Tensor:
        """Return the position of each value of ``v`` (float32, any shape) among ``steps``: int32, buffer 0."""
        cell = scratch.like(v, 0, torch.int32)
        torch.bitwise_right_shift(v.view(torch.int32), self._shift, out=cell).add_(self._cell_of_zero)
        threshold = scratch.like(v, 1)
        torch.index_select(self._thresholds, 0, cell.view(-1), out=threshold.view(-1))
        reached = torch.ge(v, threshold, out=threshold)
        # Of 1.0 and 0.0 bit 29 is 1 and 0: a shift takes less than a conversion.
        return torch.add(reached.view(torch.int32).bitwise_right_shift_(29), cell, alpha=2, out=cell)

    def _ends(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Return the values whose bits are the first and the last of each cell."""
        cells = torch.arange(-self._cell_of_zero, self._cell_of_zero, dtype=torch.int32, device=device)
        first = cells << self._shift
        return first.view(torch.float32), (first | ((1 << self._shift) - 1)).view(torch.float32)


def _float_at(place: Tensor) -> Tensor:
    """Return the float32 at a place in the order of all of them; 0 is at 0."""
    return torch.copysign(place.abs().int().view(torch.float32), place)
