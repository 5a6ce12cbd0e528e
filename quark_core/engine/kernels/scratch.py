"""Buffers that the tiles of one call share, so that no tile allocates memory."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

_KEPT = 1 << 22
"""Bytes of the largest buffer that outlives its call."""


class Scratch:
    """Buffers by number, each as large as the largest tile that asked for it."""

    def __init__(self) -> None:
        self._buffers: dict[tuple[int, torch.device], Tensor] = {}
        self._views: dict[tuple[int, torch.dtype, torch.Size, torch.device], Tensor] = {}

    def like(self, v: Tensor, number: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return buffer ``number`` in the shape of ``v``: contiguous, with whatever an earlier tile left in it."""
        key = (number, dtype, v.shape, v.device)
        view = self._views.get(key)
        if view is None:
            # Tiles of a call have four shapes at most: those inside, and those at the two edges.
            view = self._views[key] = (
                self._bytes(number, v.numel() * dtype.itemsize, v.device).view(dtype).view(v.shape)
            )
        return view

    def _bytes(self, number: int, size: int, device: torch.device) -> Tensor:
        buffer = self._buffers.get((number, device))
        if buffer is None or buffer.numel() < size:
            # A tensor made in inference mode could not be written to outside it.
            with torch.inference_mode(mode=False):
                buffer = self._buffers[number, device] = torch.empty(size, dtype=torch.uint8, device=device)
        return buffer[:size]

    def shrink(self) -> None:
        """Forget all views, and buffers too large to be kept for the next call."""
        self._views.clear()
        self._buffers = {key: kept for key, kept in self._buffers.items() if kept.numel() <= _KEPT}


class Traced(Scratch):
    """Buffers for code that a compiler traces: it plans memory itself, so each request is a new tensor."""

    def like(self, v: Tensor, number: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return an uninitialized tensor in the shape of ``v``."""
        del number
        return torch.empty(v.shape, dtype=dtype, device=v.device)


class _Pool(threading.local):
    scratch: Scratch | None = None


_POOL = _Pool()


@contextmanager
def borrowed() -> Iterator[Scratch]:
    """Lend the thread's buffers: the page faults of fresh ones cost a tenth of a call. A nested call gets new ones."""
    scratch, _POOL.scratch = _POOL.scratch or Scratch(), None
    try:
        yield scratch
    finally:
        scratch.shrink()
        _POOL.scratch = scratch
