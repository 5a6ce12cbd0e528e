"""Divergence of clipped distributions from quantized ones, from runs of bins that become one quantized value."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

_FLOOR = 1e-9
"""Probability of a bin that quantized values cannot reach; 0 would make every such candidate infinitely bad."""
_TINY = 1e-280


class _Sums(NamedTuple):
    """Sums over bins, ``[runs of bins, blocks]`` each; a running sum is over the bins before an edge."""

    total: Tensor
    filled: Tensor
    """How many bins hold values."""
    entropy: Tensor
    """Of count * log(count)."""

    def of(self, begin: Tensor, end: Tensor) -> _Sums:
        """Return the sums over runs from the edges ``begin`` to ``end``, where these are running sums."""
        return _Sums(*(_between(x, begin, end) for x in self))


class Runs:
    """The runs of bins that become one value when a candidate quantizes their middles.

    What a run adds to the divergence follows from sums over its bins: of the counts, of the bins that hold values, and
    of count * log(count). So it is a matter of running sums, is nothing for a single bin and, where all blocks have one
    pattern, is computed once for all candidates that have the run. Only the first and the last run of each candidate
    are apart, because what it clips counts there.
    """

    def __init__(self, quantized: Tensor, kept: Tensor) -> None:
        """Find the runs of ``quantized``, ``[patterns, candidates, bins]``.

        A candidate keeps ``kept`` bins, ``[candidates]`` int64, on each side of the middle.
        """
        patterns, candidates, bins = self._shape = quantized.shape
        # Edges between bins, of all patterns in one row; [patterns * candidates] each.
        self._start = torch.arange(patterns, device=kept.device).repeat_interleave(candidates) * (bins + 1)
        self._low, self._high = (self._start + (bins // 2 + side * kept).repeat(patterns) for side in (-1, 1))
        owner, begin, end = self._found(quantized, kept)
        first, last = begin == self._low[owner], end == self._high[owner]
        inner, outer = (~(first | last)).nonzero().squeeze(1), (first | last).nonzero().squeeze(1)
        self._which, self._inner = owner[inner], (begin[inner], end[inner])
        if patterns == 1:
            self._which, self._inner = _shared(self._which, *self._inner, candidates)
        self._owner, self._outer = owner[outer], (begin[outer], end[outer])
        self._first, self._last = (place[outer].nonzero().squeeze(1) for place in (first, last))

    def divergence(self, counts: Tensor) -> Tensor:
        """Return, ``[patterns, candidates, blocks]``, the divergence of ``counts``, both float64.

        They are ``[patterns, blocks, bins]``, need not be whole, and all blocks of a pattern are quantized alike.
        """
        patterns, candidates, _ = self._shape
        shares = counts / counts.sum(2, keepdim=True).clamp_(min=_TINY)
        sums = _Sums(*(_running(x) for x in (shares, (shares > 0).double(), _times_log(shares))))
        kept = _between(sums.total, self._low, self._high).clamp_(min=_TINY)
        lost = _lost(sums.of(*self._inner))
        if patterns == 1:
            losses: Tensor = torch.sparse.mm(self._which, lost)
        else:
            losses = torch.zeros_like(kept).index_add_(0, self._which, lost)
        losses.index_add_(0, self._owner, self._at_ends(sums, kept))
        return losses.add_(kept.log_()).view(patterns, candidates, -1)

    def _found(self, quantized: Tensor, kept: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the candidate, counted over all patterns, the first and the last edge of runs.

        Left out are runs of a single bin, unless they are the first or the last one.
        """
        bins = self._shape[2]
        place = torch.arange(bins, device=kept.device)
        low, top = bins // 2 - kept[:, None], bins // 2 + kept[:, None] - 1
        inside, outermost = (place >= low) & (place <= top), (place == low) | (place == top)
        begins = torch.ones_like(quantized, dtype=torch.bool)
        ends = begins.clone()
        begins[:, :, 1:] = quantized[:, :, 1:] != quantized[:, :, :-1]
        ends[:, :, :-1] = begins[:, :, 1:]
        begins.logical_or_(place == low).logical_and_(inside)
        ends.logical_or_(place == top).logical_and_(inside)
        alone = (begins & ends).logical_and_(~outermost)
        begin, end = (x.logical_xor_(alone).view(-1).nonzero().squeeze(1) for x in (begins, ends))
        owner = begin // bins
        # Each pattern has one edge more than bins.
        shift = self._start[owner] - owner * bins
        return owner, begin + shift, end + shift + 1

    def _at_ends(self, sums: _Sums, kept: Tensor) -> Tensor:
        """Return what the first and the last run of each candidate add, ``[such runs, blocks]``."""
        run = sums.of(*self._outer)
        mass = run.total.clone()
        sides = (
            (self._first, self._low, (self._start, self._low)),
            (self._last, self._high - 1, (self._high, self._start + self._shape[2])),
        )
        for which, place, beyond in sides:
            clipped = _between(sums.total, *beyond)
            own = sums.of(place, place + 1)
            run.entropy.index_add_(0, which, _times_log(own.total + clipped).sub_(own.entropy))
            run.filled.index_add_(0, which, ((own.filled == 0) & (clipped > 0)).double())
            mass.index_add_(0, which, clipped)
        reached = run.total.div_(run.filled.clamp_(min=1))
        torch.maximum(reached, kept.index_select(0, self._owner).mul_(_FLOOR), out=reached)
        return run.entropy.sub_(mass.mul_(reached.log_()))


def _running(values: Tensor) -> Tensor:
    """Return running sums, ``[edges of all patterns, blocks]``, over the bins of ``[patterns, blocks, bins]``."""
    sums = torch.nn.functional.pad(values.cumsum(2), (1, 0))
    # Only a matrix is transposed fast.
    return sums[0].t().contiguous() if len(sums) == 1 else sums.transpose(1, 2).reshape(-1, values.shape[1])


def _between(sums: Tensor, begin: Tensor, end: Tensor) -> Tensor:
    return sums.index_select(0, end).sub_(sums.index_select(0, begin))


def _times_log(counts: Tensor) -> Tensor:
    # xlogy, which takes 0 as it is, is many times slower than log.
    return counts.clamp(min=_TINY).log_().mul_(counts)


def _lost(run: _Sums) -> Tensor:
    """Return each run's sum of count * log(count / what its quantized value spreads to a bin)."""
    spread = run.total.div(run.filled.clamp_(min=1)).clamp_(min=_TINY).log_()
    return run.entropy.sub_(spread.mul_(run.total))


def _shared(owner: Tensor, begin: Tensor, end: Tensor, candidates: int) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Return which candidates have which runs, as a matrix ``[candidates, runs]``, and the edges of different runs."""
    edges = int(end.max()) + 1 if len(end) else 1
    pairs, run = torch.unique(begin * edges + end, return_inverse=True)
    which = torch.sparse_coo_tensor(
        torch.stack([owner, run]),
        torch.ones_like(run, dtype=torch.float64),
        (candidates, len(pairs)),
        check_invariants=False,
        # Candidates and their runs come in growing order.
        is_coalesced=True,
    )
    return which, (pairs // edges, pairs % edges)
