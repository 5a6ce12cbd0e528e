"""Codebooks: the nearest of a list of values."""

from functools import cache

import torch
from torch import Tensor

from quark_core.engine.kernels.missing import refuse_nan
from quark_core.engine.kernels.scratch import Scratch
from quark_core.plugin.formats import CodebookFormat
from quark_core.plugin.protocols import Rounding


class CodebookKernel:
    """Rounds a fractional index, i + (v - c_i) / (c_{i+1} - c_i), so that every rounding scheme applies.

    ``half_even`` so takes the even index at a tie, ``floor`` the value below. Values beyond the ends saturate.
    """

    keeps_sign_of_zero = True
    cast_dtype = None

    def __init__(self, fmt: CodebookFormat, rounding: Rounding) -> None:
        self._fmt = fmt
        self._rounding = rounding

    def snap(self, v: Tensor, zero_point: Tensor | float, scratch: Scratch) -> None:
        """Round ``v`` in place to values of the codebook; NaN stays NaN."""
        del zero_point, scratch
        nans = v.isnan()
        # `where`, not arithmetic: NaN must survive the table.
        v.copy_(torch.where(nans, v, self._values(v.device).float()[self._index(v.masked_fill(nans, 0.0))]))

    def encode(self, v: Tensor, zero_point: Tensor) -> Tensor:
        """Return indexes, int32; raise DataError for NaN."""
        del zero_point
        refuse_nan(v, "codebooks have")
        return self._index(v).int()

    def decode(self, codes: Tensor, zero_point: Tensor) -> Tensor:
        """Return the value at each index, float32; indexes beyond the last one give the last value."""
        del zero_point
        return self._values(codes.device).float()[codes.long().clamp_(max=len(self._fmt.values) - 1)]

    def bounds(self, zero_point: Tensor) -> tuple[Tensor, Tensor]:
        """Return the first and the last value."""
        return (
            torch.full_like(zero_point, self._fmt.values[0]),
            torch.full_like(zero_point, self._fmt.values[-1]),
        )

    def _values(self, device: torch.device) -> Tensor:
        return _table(self._fmt, device)

    def _index(self, v: Tensor) -> Tensor:
        values = self._values(v.device)
        last = len(values) - 1
        # float64: in float32 an index beside a small fraction would make ties that are none.
        exact = v.double().clamp_(self._fmt.values[0], self._fmt.values[-1])
        below = torch.searchsorted(values, exact.contiguous(), right=True).sub_(1).clamp_(0, last - 1)
        start, end = values[below], values[below + 1]
        index = _limited((exact - start).div_(end - start).add_(below), below, exact - (start + end) / 2)
        index = torch.where(exact < end, index, below + 1.0)
        self._rounding(index)
        return index.long().clamp_(0, last)


def _limited(index: Tensor, below: Tensor, from_middle: Tensor) -> Tensor:
    """Return ``index`` on the true side of its half and below the next whole number, where rounding errors led it."""
    half, end = below + 0.5, below + 1.0
    zero = torch.zeros_like(half)
    index = torch.where(from_middle > 0, torch.maximum(index, half.nextafter(end)), index)
    index = torch.where(from_middle < 0, torch.minimum(index, half.nextafter(zero)), index)
    return torch.minimum(index, end.nextafter(zero))


@cache
def _table(fmt: CodebookFormat, device: torch.device) -> Tensor:
    return torch.tensor(fmt.values, dtype=torch.float64, device=device)
