"""Moves positions, after calibration, to where the shifts between them are those that the IPU has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from torch import fx, nn

from quark_core.engine.authoring import Quantizer, quantizers
from quark_core.errors import DeviceError
from quark_core.plugin import Adjustment
from quark_ipu.layers import Layer, layers
from quark_ipu.overflow import overflow
from quark_ipu.positions import position, set_position
from quark_ipu.shifts import Shift, shifts


def adjust(graph: nn.Module) -> list[Adjustment]:
    """Make all constraints hold, in place, and return what was changed.

    Positions are lowered wherever that is a way out: a larger scale clips nothing. Raises DeviceError where scales are
    no powers of two, and where constraints contradict each other.
    """
    found = {quantizer: position(quantizer) for quantizer in quantizers(graph) if quantizer.scale is not None}
    if not found or not isinstance(graph, fx.GraphModule):
        return []
    search = _Search(graph, list(_complete(graph, found)), dict(found))
    search.run()
    for quantizer, value in search.at.items():
        if value != found[quantizer]:
            set_position(quantizer, value)
    return [
        Adjustment(quantizer.key, f"pos {before}", f"pos {search.at[quantizer]}", "; ".join(search.why[quantizer]))
        for quantizer, before in found.items()
        if before != search.at[quantizer]
    ]


def _complete(graph: fx.GraphModule, known: dict[Quantizer, int]) -> Iterator[Layer]:
    """Yield the layers of which every quantizer has a position; dynamic scales have none."""
    for layer in layers(graph):
        around = (*layer.quantized, *layer.outputs, layer.weight, layer.bias)
        if all(each in known for each in around if each is not None):
            yield layer


@dataclass
class _Search:
    graph: fx.GraphModule
    layers: list[Layer]
    at: dict[Quantizer, int]
    why: dict[Quantizer, dict[str, None]] = field(default_factory=dict)
    """The constraints that moved each."""

    def run(self) -> None:
        # A change goes on to a neighbour each round, and each chain of them may turn once.
        for _ in range(2 * len(self.layers) + 8):
            broken = [shift for layer in self.layers for shift in self._round(layer)]
            if not broken:
                return
        raise DeviceError(
            f"no positions fit the IPU's shifts: {'; '.join(self._still_broken())}. Each of them undoes what another "
            "needs; exclude one of these layers, or give its tensors other ranges (observer: percentile)"
        )

    def _round(self, layer: Layer) -> Iterator[Shift]:
        for shift in self._shifts(layer):
            if shift.excess(self.at):
                self._repair(shift)
                yield shift

    def _shifts(self, layer: Layer) -> Iterator[Shift]:
        yield from shifts(layer, self.at)
        yield from overflow(layer, self.graph, self.at)

    def _repair(self, shift: Shift) -> None:
        words = f"{shift.layer}: {shift.words(self.at)}"
        chosen, step = shift.repair(self.at)
        if chosen is not None:
            self.at[chosen] += step
            self.why.setdefault(chosen, {}).setdefault(words)

    def _still_broken(self) -> list[str]:
        found: dict[str, None] = {}
        for _ in range(2):
            # Twice, because the first round shows those only that the last one left.
            for layer in self.layers:
                for shift in self._shifts(layer):
                    if shift.excess(self.at):
                        found.setdefault(f"{shift.layer}: {shift.words(self.at)}")
                        self._repair(shift)
        return list(found)[:6]


__all__ = ["adjust"]
