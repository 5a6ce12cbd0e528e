"""Runs every contestant on one case, and says how fast each was and whether its results are ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from benchmarks.peers import Case, Peer
from benchmarks.timing import Contestant, interleaved, peak_extra_bytes
from quark_core.functional import compiled, quantize_dequantize

COPY, OURS, FRESH, COMPILED = "copy_", "quark-core", "quark-core, new tensor", "quark-core, compiled"
BYTES = 8
"""Moved for each element at least: float32 in, float32 out."""
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Result:
    """One contestant on one case."""

    format: str
    shape: str
    contestant: str
    seconds: float
    gb_per_s: float
    of_copy: float
    """Speed as a share of ``copy_`` into an existing tensor."""
    ours_is_faster: float
    """This contestant's time divided by ours with ``out=``."""
    extra_mib: float
    """Peak memory that torch allocated on top of input and ``out=``."""
    differs: float
    """Share of the values that are not ours within a relative 1e-5."""
    fault: str = ""
    """Why there is no figure."""


def measure(case: Case, peers: Mapping[str, Peer], repeats: int, *, with_compiled: bool = False) -> list[Result]:
    """Return the results of copy_, ours and each peer that can do ``case``, all timed in the same rounds.

    ``with_compiled`` adds ours as the opt-in compiler makes it, where the format is one that it compiles.
    """
    out = torch.empty_like(case.x)
    ours = partial(quantize_dequantize, case.x, case.settings, case.params)
    contestants: dict[str, Contestant] = {
        COPY: partial(out.copy_, case.x),
        OURS: partial(ours, out=out),
        FRESH: ours,
    }
    reference = ours()
    differs, faults = {COPY: 0.0, OURS: 0.0, FRESH: 0.0}, {}
    if with_compiled and case.settings.dtype.scaled:
        contestants[COMPILED] = partial(_compiled, partial(ours, out=out))
        differs[COMPILED] = _differing(contestants[COMPILED](), reference)
    for name, peer in peers.items():
        try:
            work = peer.contestant(case)
            if work is None:
                continue
            differs[name] = _differing(work(), reference)
        except Exception as error:  # noqa: BLE001 - what a peer cannot do is a finding, not an end of the run
            faults[name] = f"{type(error).__name__}: {error}".splitlines()[0]
            continue
        contestants[name] = work
    del reference
    seconds = interleaved(contestants, repeats)
    results = [_result(case, name, work, seconds, differs[name]) for name, work in contestants.items()]
    nan = float("nan")
    return results + [
        Result(case.label, shape_text(case.x), name, nan, nan, nan, nan, nan, nan, fault)
        for name, fault in faults.items()
    ]


def _compiled(work: Contestant) -> Tensor:
    with compiled():
        return work()


def shape_text(x: Tensor) -> str:
    """Return ``4096x4096``."""
    return "x".join(str(size) for size in x.shape)


def _result(case: Case, name: str, work: Contestant, seconds: Mapping[str, float], differs: float) -> Result:
    own = seconds[name]
    return Result(
        format=case.label,
        shape=shape_text(case.x),
        contestant=name,
        seconds=own,
        gb_per_s=BYTES * case.x.numel() / own / 1e9,
        of_copy=seconds[COPY] / own,
        ours_is_faster=own / seconds[OURS],
        extra_mib=peak_extra_bytes(work) / 2**20,
        differs=differs,
    )


def _differing(theirs: Tensor, ours: Tensor) -> float:
    same = torch.isclose(theirs, ours, rtol=TOLERANCE, atol=0.0, equal_nan=True)
    return 1.0 - float(same.sum()) / max(1, same.numel())
