"""The smallest and the largest value seen."""

from __future__ import annotations

import torch
from torch import Tensor

from quark_core.errors import DataError
from quark_core.plugin import Options


class MinMax:
    """Running minimum and maximum of each block."""

    def __init__(self, options: Options | None) -> None:
        del options
        self._lo: Tensor | None = None
        self._hi: Tensor | None = None

    def observe(self, blocks: Tensor) -> None:
        """Take in a batch, ``[blocks, elements]`` float32; one without values changes nothing."""
        if blocks.numel():
            self._widen(*batch_range(blocks))

    def merge(self, other: MinMax) -> None:
        """Take in what ``other`` observed; minimum and maximum do not depend on the order."""
        if other._lo is not None and other._hi is not None:
            self._widen(other._lo, other._hi)

    def range(self) -> tuple[Tensor, Tensor]:
        """Return the minimum and maximum, each ``[blocks]`` float32; raise DataError when nothing was observed."""
        if self._lo is None or self._hi is None:
            raise DataError("min_max observed no values; give calibration data that reach this tensor")
        return self._lo, self._hi

    def _widen(self, lo: Tensor, hi: Tensor) -> None:
        self._lo = lo if self._lo is None else torch.minimum(self._lo, lo)
        self._hi = hi if self._hi is None else torch.maximum(self._hi, hi)


def batch_range(blocks: Tensor) -> tuple[Tensor, Tensor]:
    """Return the minimum and maximum, each ``[blocks]``, of ``[blocks, elements]``, which must hold a value."""
    if blocks.shape[0] == 1:
        lo, hi = blocks.aminmax()
        return lo.reshape(1), hi.reshape(1)
    # Along a dimension, amin and amax are several times faster than aminmax.
    return blocks.amin(1), blocks.amax(1)
