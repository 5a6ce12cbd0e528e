"""Replays probe batches through the float, the quantized and the final model, layer by layer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from quark_core.engine.batches import call, mapped, tensors_in
from quark_core.engine.replay import replay
from quark_core.engine.sqnr import Sqnr


@dataclass
class Probe:
    """One batch, and what the float model made of it."""

    batch: Any
    output: Any
    layers: dict[str, list[Tensor]] = field(default_factory=dict)
    """Outputs of each layer, in the order of its calls."""


def record(model: nn.Module, batch: Any, index: int, layers: Iterable[str]) -> Probe:
    """Return what ``model`` makes of ``batch``, with the output of each of ``layers``; raises DataError as ``call``."""
    # Some models work in place on what they are given, and on the outputs of layers.
    probe = Probe(mapped(batch, Tensor.clone), None)

    def see(layer: str, value: Tensor) -> None:
        if value.is_floating_point():
            probe.layers.setdefault(layer, []).append(value.detach().clone())

    probe.output = _run(model, batch, see, layers, index)
    return probe


@torch.no_grad()
def original_outputs(model: nn.Module, probes: Iterable[Probe]) -> list[Probe]:
    """Return ``probes`` with what ``model`` itself makes of them, where layers were recorded in a rewritten graph."""
    return [
        replace(probe, output=call(model, mapped(probe.batch, Tensor.clone), index))
        for index, probe in enumerate(probes)
    ]


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


def local(model: nn.Module, probes: Iterable[Probe]) -> dict[str, Sqnr]:
    """Return the noise that each layer adds by itself: each gets what the float model's layers before it made."""
    found: dict[str, Sqnr] = {}
    for index, probe in enumerate(probes):
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
        self._found.setdefault(layer, Sqnr()).add(known[call], value)
        # A copy: what comes next may work in place.
        return known[call].clone() if self._replaced else None


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
