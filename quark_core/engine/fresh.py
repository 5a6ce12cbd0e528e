"""New tensors for results: a page fault for every 4 KiB of a large one takes longer than all the arithmetic."""

import ctypes
import mmap
import sys
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

_LARGE = 1 << 22
"""Bytes from which on huge pages are asked for; below, the allocator mostly reuses memory."""


def fresh_like(x: Tensor) -> Tensor:
    """Return an uninitialized tensor like ``x``; on Linux a large one asks for huge pages, so for fewer page faults."""
    result = torch.empty_like(x)
    size = result.numel() * result.element_size()
    if size >= _LARGE and result.device.type == "cpu" and not torch.compiler.is_compiling():
        _ask_for_huge_pages(result.data_ptr(), size)
    return result


def _ask_for_huge_pages(address: int, size: int) -> None:
    madvise = _madvise()
    if madvise is not None:
        first = -(-address // mmap.PAGESIZE) * mmap.PAGESIZE
        # Advice only: where the kernel does not follow it, nothing changes.
        madvise(first, (address + size - first) // mmap.PAGESIZE * mmap.PAGESIZE, mmap.MADV_HUGEPAGE)


@cache
def _madvise() -> Callable[[int, int, int], int] | None:
    if sys.platform != "linux" or not hasattr(mmap, "MADV_HUGEPAGE"):
        return None
    function = ctypes.CDLL(None).madvise
    function.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return function
