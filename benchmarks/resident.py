"""Memory that a process really holds, for models whose kernels keep weights where torch does not see them."""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_STATM = Path("/proc/self/statm")


def resident(make: Callable[[], T]) -> tuple[T, float]:
    """Return what ``make`` gives, and how many bytes of resident memory the process holds more than before.

    It is made once before, so that what is loaded only once does not count; what was needed on the way is given back to
    the system. NaN where there is no /proc.
    """
    make()
    before = _resident()
    made = make()
    return made, _resident() - before


def _resident() -> float:
    gc.collect()
    if not _STATM.exists():
        return float("nan")
    ctypes.CDLL(None).malloc_trim(0)
    return float(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
