"""Buffers that the tiles of one call share, so that no tile allocates memory."""

import torch
from torch import Tensor


class Scratch:
    """Buffers by number and dtype, each as large as the largest tile that asked for it."""

    def __init__(self) -> None:
        self._views: dict[tuple[int, torch.dtype, torch.Size, torch.device], Tensor] = {}

    def like(self, v: Tensor, number: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return buffer ``number`` in the shape of ``v``: contiguous, with whatever an earlier tile left in it."""
        key = (number, dtype, v.shape, v.device)
        view = self._views.get(key)
        if view is None:
            # Tiles of a call have four shapes at most: those inside, and those at the two edges.
            view = self._views[key] = torch.empty(v.shape, dtype=dtype, device=v.device)
        return view
