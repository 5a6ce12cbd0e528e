"""Biases finer than the sums that they are added to: the sums are shifted up, and must still fit 32 bits."""

from __future__ import annotations

from collections.abc import Iterator

from torch import fx

from quark_ipu.accumulators import LIMIT, largest_sum
from quark_ipu.layers import Layer, groups_of
from quark_ipu.positions import code_range
from quark_ipu.shifts import WEIGHTED, Positions, Shift


def overflow(layer: Layer, graph: fx.GraphModule, at: Positions) -> Iterator[Shift]:
    """Yield what keeps the sums of a layer with a weight and a bias within 32 bits."""
    if layer.weight is None or layer.bias is None or layer.kind not in WEIGHTED or len(layer.quantized) != 1:
        return
    if at[layer.bias] <= at[layer.weight] + at[layer.quantized[0]]:
        return
    room = _room(layer, graph, at)
    plus = (("wpos", layer.weight), ("ipos", layer.quantized[0]))
    yield Shift(layer.name, "shift_bias for sums of 32 bits", plus, (("bpos", layer.bias),), -room, None)


def _room(layer: Layer, graph: fx.GraphModule, at: Positions) -> int:
    """Return by how many bits the sums may be shifted up."""
    if layer.weight is None or layer.parameter is None:
        return 0
    weight, span = graph.get_parameter(layer.parameter), code_range(layer.weight)
    low, high = span or (-128, 127)
    # One more than rounding may give, so that this holds for every rounding.
    codes = (weight.detach().double() * 2.0 ** at[layer.weight]).abs().add_(1).clamp_(max=max(-low, high)).ceil_()
    transposed = layer.kind.startswith("conv_transpose")
    reach = largest_sum(codes, transposed=transposed, groups=groups_of(layer.node, graph)) * _reach(layer) or 1
    room = 0
    while (reach << (room + 1)) + 256 < LIMIT:
        room += 1
    return room


def _reach(layer: Layer) -> int:
    low, high = code_range(layer.quantized[0]) or (-128, 127)
    return max(-low, high)
