"""Order statistics near the ends."""

from __future__ import annotations

import torch
from torch import Tensor

_PARTS = 16
"""Values that are first compared with each other."""
_CANDIDATES = 1 / 4
"""Share of the groups of values up to which looking only at the best groups is faster."""
_SORTED = 1 / 16
"""Share of the values up to which taking out the best is faster than a selection among all."""


def from_end(values: Tensor, rank: int, *, largest: bool) -> Tensor:
    """Return, ``[rows]``, the value of a rank in each row of ``[rows, columns]``; NaN counts as larger than all.

    Ranks count from 0 and, as ``largest`` says, from the largest or the smallest value.
    """
    values = _best_groups(values, rank, largest=largest)
    count = values.shape[1]
    if rank < count * _SORTED or rank + 1 == count:
        return values.topk(rank + 1, 1, largest=largest).values[:, rank].clone()
    return values.kthvalue(count - rank if largest else rank + 1, 1).values


def _best_groups(values: Tensor, rank: int, *, largest: bool) -> Tensor:
    """Return fewer columns with the same value of that rank, where that pays.

    If ``rank`` + 1 groups have a best value that is not worse than some group's, so have the rows without this group.
    """
    groups = values.shape[1] // _PARTS
    if rank >= groups * _CANDIDATES:
        return values
    grouped = values[:, : groups * _PARTS].reshape(-1, _PARTS, groups)
    best = grouped.amax(1) if largest else grouped.amin(1)
    if bool(best.isnan().any()):
        # The least of values among which there is NaN is NaN, too.
        return values
    index = best.topk(rank + 1, 1, largest=largest, sorted=False).indices
    chosen = grouped.gather(2, index[:, None].expand(-1, _PARTS, -1)).flatten(1)
    return torch.cat([chosen, values[:, groups * _PARTS :]], 1)
