"""Finds the step of a staircase that float32 values lie on by two look-ups, however many steps there are.

The leading bits of a value name its cell. Cells are so narrow that each holds one threshold at most, so that one
comparison decides between the two steps that a cell may touch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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


def thresholds_of(step_of: StepOf, steps: int) -> Tensor:
    """Return the smallest float32 of each step but the first, ``[steps - 1]`` on the CPU, by bisection."""
    wanted = torch.arange(1, steps, device="cpu")
    low, high = torch.full_like(wanted, -_LARGEST), torch.full_like(wanted, _LARGEST)
    while bool((low < high).any()):
        middle = (low + high) >> 1
        reached = step_of(_float_at(middle)) >= wanted
        high = torch.where(reached, middle, high)
        low = torch.where(reached, low, middle + 1)
    return _float_at(low)


@dataclass(frozen=True)
class Cells:
    """The cells of one staircase."""

    shift: int
    """Bits that do not name a cell; there are ``2^(32 - shift)`` cells."""
    thresholds: Tensor
    """The threshold in each cell, float32; any number where there is none."""
    steps: Tensor
    """The step at each position that ``find`` returns, int32."""

    @classmethod
    def of(cls, thresholds: Tensor) -> Cells | None:
        """Return as few cells as will do for those of ``thresholds_of``; None when they would be too many."""
        return next((cells for shift in _SHIFTS if (cells := _cells(thresholds, shift)) is not None), None)

    def to(self, device: torch.device) -> Cells:
        """Return the same cells on ``device``."""
        return Cells(self.shift, self.thresholds.to(device), self.steps.to(device))

    def find(self, v: Tensor, scratch: Scratch) -> Tensor:
        """Return the position of each value of ``v`` (float32, any shape) among ``steps``: int32, buffer 0."""
        cell = scratch.like(v, 0, torch.int32)
        torch.bitwise_right_shift(v.view(torch.int32), self.shift, out=cell).add_(1 << (31 - self.shift))
        threshold = scratch.like(v, 1)
        torch.index_select(self.thresholds, 0, cell.view(-1), out=threshold.view(-1))
        reached = torch.ge(v, threshold, out=threshold)
        # Of 1.0 and 0.0 bit 29 is 1 and 0: a shift takes less than a conversion.
        return torch.add(reached.view(torch.int32).bitwise_right_shift_(29), cell, alpha=2, out=cell)


def _cells(thresholds: Tensor, shift: int) -> Cells | None:
    half = 1 << (31 - shift)
    bits = torch.arange(-half, half, dtype=torch.int32, device=thresholds.device) << shift
    first, last = bits.view(torch.float32), (bits | ((1 << shift) - 1)).view(torch.float32)
    # The first cell of either infinity holds NaN too, and NaN alone is not at least infinity.
    special = last.isnan()
    ends = torch.stack([first, torch.where(special, first, last)]).nan_to_num()
    low, high = torch.bucketize(ends, thresholds, right=True).aminmax(dim=0)
    if bool((high - low > 1).any()):
        return None
    deciding = torch.where(special, first, thresholds[low.clamp(max=len(thresholds) - 1)])
    low, high = low.masked_fill(special, NO_STEP), high.masked_fill(first.isnan(), NO_STEP)
    return Cells(shift, deciding, torch.stack([low, high], dim=1).flatten().int())


def _float_at(place: Tensor) -> Tensor:
    """Return the float32 at a place in the order of all of them; 0 is at 0."""
    return torch.copysign(place.abs().int().view(torch.float32), place)
