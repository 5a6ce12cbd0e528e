"""Replays probe batches through the float, the quantized and the final model, layer by layer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import gcd
from typing import Any

import torch
from torch import Tensor, nn

from quark_core.engine.batches import call, mapped, tensors_in
from quark_core.engine.replay import replay
from quark_core.engine.sqnr import Sqnr

_BUDGET = 1 << 29
"""Bytes of outputs of layers that are kept whole; of further ones a sample is."""
_SAMPLE = 1 << 16


@dataclass(frozen=True)
class Kept:
    """The output of a layer, or every ``step``-th of its values in row-major order."""

    values: Tensor
    step: int
    shape: torch.Size

    def of(self, value: Tensor) -> Tensor:
        """Return of another output what was kept of this one."""
        return value if self.step == 1 else value.reshape(-1)[:: self.step]


@dataclass
class Probe:
    """One batch, and what the float model made of it."""

    batch: Any
    output: Any
    layers: dict[str, list[Kept]] = field(default_factory=dict)
    """Outputs of each layer, in the order of its calls."""

    @property
    def is_whole(self) -> bool:
        """Whether every output was kept whole."""
        return all(kept.step == 1 for calls in self.layers.values() for kept in calls)


def record(model: nn.Module, batch: Any, index: int, layers: Iterable[str]) -> Probe:
    """Return what ``model`` makes of ``batch``, with the output of each of ``layers``; raises DataError as ``call``."""
    # Some models work in place on what they are given, and on the outputs of layers.
    probe = Probe(mapped(batch, Tensor.clone), None)

    left = _BUDGET

    def see(layer: str, value: Tensor) -> None:
        nonlocal left
        if value.is_floating_point():
            left -= value.numel() * value.element_size()
            step = 1 if left >= 0 else _step(value.numel())
            kept = value.detach() if step == 1 else value.detach().reshape(-1)[::step]
            probe.layers.setdefault(layer, []).append(Kept(kept.clone(), step, value.shape))

    probe.output = _run(model, batch, see, layers, index)
    return probe


@torch.no_grad()
def original_outputs(model: nn.Module, probes: Iterable[Probe]) -> list[Probe]:
    """Return ``probes`` with what ``model`` itself makes of them, where layers were recorded in a rewritten graph."""
    return [
        replace(probe, output=call(model, mapped(probe.batch, Tensor.clone), index))
        for index, probe in enumerate(probes)
    ]


def _step(count: int) -> int:
    """Return how far apart samples are: no common divisor with ``count``, so that they are of every channel."""
    step = -(-count // _SAMPLE)
    while gcd(step, count) > 1:
        step += 1
    return step


@dataclass
class Measured:
    """What became of the layers and of the outputs."""

    layers: dict[str, Sqnr] = field(default_factory=dict)
    outputs: Sqnr = field(default_factory=Sqnr)
    agreeing: int = 0
    choices: int = 0
    """Rows of the outputs in which a largest value was looked for."""
    results: list[Tensor] = field(default_factory=list)
    """The floating-point outputs themselves."""

    @property
    def agreement(self) -> float | None:
        """Share of the rows in which the largest value is at the same place; None without rows."""
        return self.agreeing / self.choices if self.choices else None


def cumulative(model: nn.Module, probes: Iterable[Probe]) -> Measured:
    """Run each probe through ``model`` and compare with what the float model made of it.

    Every layer gets what the layers before it made, so that noise adds up.
    """
    measured = Measured()
    for index, probe in enumerate(probes):
        comparison = _Comparison(probe, measured.layers, replaced=False)
        output = _run(model, mapped(probe.batch, Tensor.clone), comparison, probe.layers, index)
        for before, after in zip(tensors_in(probe.output), tensors_in(output), strict=True):
            if before.is_floating_point():
                measured.outputs.add(before, after)
                measured.results.append(after)
                _compare_choices(measured, before, after)
    return measured


def local(model: nn.Module, probes: Sequence[Probe]) -> dict[str, Sqnr]:
    """Return the noise that each layer adds by itself: each gets what the float model's layers before it made.

    Empty where outputs were too many to be kept whole.
    """
    found: dict[str, Sqnr] = {}
    for index, probe in enumerate(probes if all(probe.is_whole for probe in probes) else ()):
        comparison = _Comparison(probe, found, replaced=True)
        _run(model, mapped(probe.batch, Tensor.clone), comparison, probe.layers, index)
    return found


class _Comparison:
    """Compares the outputs of layers with those of the float model, call by call."""

    def __init__(self, probe: Probe, found: dict[str, Sqnr], *, replaced: bool) -> None:
        self._probe, self._found, self._replaced = probe, found, replaced
        self._calls: dict[str, int] = {}

    def __call__(self, layer: str, value: Tensor) -> Tensor | None:
        call = self._calls.get(layer, 0)
        self._calls[layer] = call + 1
        known = self._probe.layers.get(layer, [])
        if call >= len(known) or known[call].shape != value.shape:
            return None
        kept = known[call]
        self._found.setdefault(layer, Sqnr()).add(kept.values, kept.of(value))
        # A copy: what comes next may work in place.
        return kept.values.clone() if self._replaced else None


def _run(model: nn.Module, batch: Any, see: Any, layers: Iterable[str], index: int) -> Any:
    with torch.no_grad():
        return call(model, batch, index, through=lambda args, kwargs: replay(model, kwargs or args, see, layers))


def _compare_choices(measured: Measured, before: Tensor, after: Tensor) -> None:
    axis = 1 if before.dim() > 3 else -1
    if before.dim() < 2 or before.shape[axis] < 2:
        return
    same = before.argmax(axis) == after.argmax(axis)
    measured.agreeing += int(same.sum())
    measured.choices += same.numel()
