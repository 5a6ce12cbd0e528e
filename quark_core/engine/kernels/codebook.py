"""Codebooks: the nearest of a list of values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from quark_core.engine.kernels.cells import Cells, StepOf, thresholds_of
from quark_core.engine.kernels.missing import nan_mask, refuse_nan
from quark_core.engine.kernels.scratch import Scratch
from quark_core.engine.kernels.tracing import is_exported, is_traced
from quark_core.plugin.formats import CodebookFormat
from quark_core.plugin.protocols import Rounding

_COMPARED = 31
"""Thresholds up to which comparing with each takes a compiled loop less than looking up."""
_PART = 1 << 16
"""Values whose fractional indexes are computed at once, so that their many temporaries stay in a core's cache."""


class CodebookKernel:
    """Rounds a fractional index, i + (v - c_i) / (c_{i+1} - c_i), so that every rounding scheme applies.

    ``half_even`` so takes the even index at a tie, ``floor`` the value below. Values beyond the ends saturate.
    """

    keeps_sign_of_zero = True
    cast_dtype = None

    def __init__(self, fmt: CodebookFormat, rounding: Rounding, *, is_stateful: bool) -> None:
        """Let ``is_stateful`` be False where ``rounding`` depends on the value alone: looking up takes far less."""
        self._fmt = fmt
        self._rounding = rounding
        # Now, not when first needed: that may be while a compiler traces, which cannot follow the search.
        self._stairs = None if is_stateful else _Stairs.of(self._index, fmt)
        self._lookup = None if self._stairs is None else _Lookup.of(self._stairs)
        self._moved: dict[torch.device, _Lookup] = {}

    def snap(self, v: Tensor, zero_point: Tensor | float, scratch: Scratch) -> None:
        """Round ``v`` in place to values of the codebook; NaN stays NaN."""
        del zero_point
        if self._stairs is not None and is_traced():
            v.copy_(self._stairs.at(v))
            return
        if self._lookup is not None:
            self._lookup_on(v.device, self._lookup).snap(v, scratch)
            return
        work = v if v.is_contiguous() else scratch.like(v, 0).copy_(v)
        for part in torch.split(work.view(-1), _PART):
            self._snap_part(part)
        if work is not v:
            v.copy_(work)

    def _snap_part(self, v: Tensor) -> None:
        nans = nan_mask(v)
        if nans is not None:
            v.masked_fill_(nans, 0.0)
        v.copy_(_table(self._fmt, v.device).index_select(0, self._index(v)))
        if nans is not None:
            v.masked_fill_(nans, torch.nan)

    def encode(self, v: Tensor, zero_point: Tensor) -> Tensor:
        """Return indexes, int32 or int64; raise DataError for NaN."""
        del zero_point
        refuse_nan(v, "codebooks have")
        if self._lookup is not None:
            return self._lookup_on(v.device, self._lookup).index(v)
        return torch.cat([self._index(part) for part in torch.split(v.reshape(-1), _PART)]).view(v.shape)

    def decode(self, codes: Tensor, zero_point: Tensor) -> Tensor:
        """Return the value at each index, float32; indexes beyond the last one give the last value."""
        del zero_point
        index = (codes.int() & ((1 << self._fmt.bits) - 1)).clamp_(max=len(self._fmt.values) - 1)
        return _table(self._fmt, codes.device).float().index_select(0, index.reshape(-1)).view(codes.shape)

    def bounds(self, zero_point: Tensor) -> tuple[Tensor, Tensor]:
        """Return the first and the last value."""
        return (
            torch.full_like(zero_point, self._fmt.values[0]),
            torch.full_like(zero_point, self._fmt.values[-1]),
        )

    def _lookup_on(self, device: torch.device, lookup: _Lookup) -> _Lookup:
        if device not in self._moved:
            self._moved[device] = lookup.to(device)
        return self._moved[device]

    def _index(self, v: Tensor) -> Tensor:
        """Return the index of each value of ``v`` (1-D, no NaN), int64."""
        values = _table(self._fmt, v.device)
        last = len(values) - 1
        # float64: in float32 an index beside a small fraction would make ties that are none.
        exact = v.double().clamp_(self._fmt.values[0], self._fmt.values[-1])
        below = torch.searchsorted(values, exact, right=True).sub_(1).clamp_(0, last - 1)
        start, end = values.index_select(0, below), values.index_select(0, below + 1)
        index = _limited((exact - start).div_(end - start).add_(below), below, exact - (start + end) / 2)
        index = torch.where(exact < end, index, below + 1.0)
        self._rounding(index)
        return index.long().clamp_(0, last)


@dataclass(frozen=True)
class _Stairs:
    """The same function of the value by way of numbers that a compiler may hold."""

    thresholds: list[float]
    """The smallest float32 of each step but the first."""
    values: list[float]
    """The value of each step, float32, and NaN."""

    @classmethod
    def of(cls, index_of: StepOf, fmt: CodebookFormat) -> _Stairs:
        """Return the steps of ``index_of``."""
        values = torch.tensor([*fmt.values, torch.nan], dtype=torch.float32, device="cpu")
        return cls(thresholds_of(index_of, len(fmt.values)).tolist(), values.tolist())

    def at(self, v: Tensor) -> Tensor:
        """Return the value of the step that each of ``v`` (float32, any shape) is on."""
        if len(self.thresholds) <= _COMPARED and not is_exported():
            return self._by_comparing(v)
        thresholds = torch.tensor(self.thresholds, dtype=torch.float32, device=v.device)
        index = torch.bucketize(v, thresholds, right=True).masked_fill(v.isnan(), len(self.thresholds) + 1)
        return torch.tensor(self.values, dtype=torch.float32, device=v.device)[index]

    def _by_comparing(self, v: Tensor) -> Tensor:
        # Compilers do this with vectors, and look up one by one.
        result = torch.full_like(v, self.values[0])
        for threshold, value in zip(self.thresholds, self.values[1:], strict=False):
            result = torch.where(v >= threshold, value, result)
        return torch.where(v.isnan(), v, result)


@dataclass(frozen=True)
class _Lookup:
    """The same function of the value by way of tables."""

    cells: Cells
    values: Tensor
    """The value at each position that the cells find, float32."""

    @classmethod
    def of(cls, stairs: _Stairs) -> _Lookup | None:
        """Return the tables; None when they would be too large."""
        cells = Cells.of(torch.tensor(stairs.thresholds, dtype=torch.float32, device="cpu"))
        # NO_STEP is the last one.
        values = torch.tensor(stairs.values, dtype=torch.float32, device="cpu")
        return None if cells is None else cls(cells, values[cells.steps])

    def to(self, device: torch.device) -> _Lookup:
        """Return the same tables on ``device``."""
        return _Lookup(self.cells.to(device), self.values.to(device))

    def snap(self, v: Tensor, scratch: Scratch) -> None:
        """Replace each value of ``v`` by the codebook's."""
        position = self.cells.find(v, scratch)
        target = v if v.is_contiguous() else scratch.like(v, 1)
        torch.index_select(self.values, 0, position.view(-1), out=target.view(-1))
        if target is not v:
            v.copy_(target)

    def index(self, v: Tensor) -> Tensor:
        """Return the index of each value, int32."""
        return self.cells.steps.index_select(0, self.cells.find(v, Scratch()).view(-1)).view(v.shape)


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
