"""What the shifts between positions may be, operator by operator.

Sources: AMD Quark's refinement of power-of-two ONNX models, and the accelerator limits that its documentation gives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from quark_core.engine.authoring import Quantizer
from quark_ipu.constants import Constant, constant
from quark_ipu.layers import Layer

Positions = Mapping[Quantizer, int]


@dataclass(frozen=True)
class Shift:
    """A sum of positions that must lie between two bounds.

    ``plus`` and ``minus``: the tensors whose positions count, each with its name; the first of ``plus`` gives way
    when the sum is too large, the first of ``minus`` when it is too small.
    """

    layer: str
    name: str
    plus: tuple[tuple[str, Quantizer], ...]
    minus: tuple[tuple[str, Quantizer], ...]
    low: int | None
    high: int | None
    constant: int = 0

    def value(self, at: Positions) -> int:
        """Return the sum."""
        return self.constant + sum(at[q] for _, q in self.plus) - sum(at[q] for _, q in self.minus)

    def excess(self, at: Positions) -> int:
        """Return how far the sum is above its bounds (positive) or below (negative), or 0."""
        value = self.value(at)
        if self.high is not None and value > self.high:
            return value - self.high
        return value - self.low if self.low is not None and value < self.low else 0

    def repair(self, at: Positions) -> tuple[Quantizer | None, int]:
        """Return the tensor whose position is to move, and by how much: down where that helps, else up.

        None where the same tensors count on both sides, so that nothing helps.
        """
        excess, counts = self.excess(at), Counter(q for _, q in self.plus)
        counts.subtract(q for _, q in self.minus)
        sign = 1 if excess > 0 else -1
        lowered = next((q for q, count in counts.items() if count * sign > 0), None)
        chosen = lowered or next((q for q, count in counts.items() if count * sign < 0), None)
        if chosen is None:
            return None, 0
        step = -(-abs(excess) // abs(counts[chosen]))
        return chosen, -step if lowered else step

    def words(self, at: Positions) -> str:
        """Return the constraint with its numbers: ``shift_cut = wpos 7 + ipos 3 - opos 12 = -2, not in [0, 16]``."""
        terms = [("+", f"{name} {at[q]}") for name, q in self.plus] + [("-", f"{n} {at[q]}") for n, q in self.minus]
        if self.constant:
            terms.insert(0, ("+" if self.constant > 0 else "-", str(abs(self.constant))))
        text = " ".join(f"{sign} {term}" for sign, term in terms).removeprefix("+ ")
        bounds = f"[{'-inf' if self.low is None else self.low}, {'inf' if self.high is None else self.high}]"
        return f"{self.name} = {text} = {self.value(at)}, not in {bounds}"


def shifts(layer: Layer, at: Positions) -> Iterator[Shift]:
    """Yield what must hold for one operator, given the positions that its quantizers have now."""
    rule = _RULES.get(layer.kind)
    if rule is not None:
        yield from rule(layer, at)
    elif layer.kind in JOINING:
        yield from _same(layer)


def _product(layer: Layer, _at: Positions) -> Iterator[Shift]:
    """Convolution and linear: shift_cut = wpos + ipos - opos, shift_bias = wpos + ipos - bpos."""
    if layer.weight is None:
        yield from _matmul(layer, _at)
        return
    if len(layer.quantized) != 1:
        return
    plus = (("wpos", layer.weight), ("ipos", layer.quantized[0]))
    for output in layer.outputs:
        yield Shift(layer.name, "shift_cut", plus, (("opos", output),), 0, 16)
    if layer.bias is not None:
        minus = (("bpos", layer.bias),)
        yield Shift(layer.name, "shift_bias", plus, minus, None, 15)
        for output in layer.outputs:
            # min(0, -(24 - (8 + shift_cut))) <= shift_bias, where shift_cut is at most 16.
            yield Shift(layer.name, "shift_bias - (shift_cut - 16)", (("opos", output),), minus, 0, None, 16)


def _matmul(layer: Layer, _at: Positions) -> Iterator[Shift]:
    """A product of two activations goes through the same array as a convolution."""
    if len(layer.quantized) != 2:
        return
    plus = tuple(zip(("ipos0", "ipos1"), layer.quantized, strict=True))
    for output in layer.outputs:
        yield Shift(layer.name, "shift_cut", plus, (("opos", output),), 0, 16)


def _sum(layer: Layer, at: Positions) -> Iterator[Shift]:
    """Add and subtract: shift_read = max(ipos) - min(ipos), shift_write = min(ipos) - opos."""
    named = _named(layer)
    if not named:
        return
    least = min(named, key=lambda each: at[each[1]])
    for each in named:
        if each[1] is not least[1]:
            yield Shift(layer.name, "shift_read", (each,), (least,), 0, 7)
    numbers = [number.near(at[least[1]]).position for number in _numbers(layer) if number]
    fixed = min(numbers, default=at[least[1]])
    if fixed < at[least[1]]:
        yield Shift(layer.name, "shift_read", (least,), (), 0, 7, -fixed)
    for output in layer.outputs:
        plus, number = ((least,), 0) if fixed >= at[least[1]] else ((), fixed)
        yield Shift(layer.name, "shift_write", plus, (("opos", output),), -7, 25, number)


_FINE = 1 << 30


def _multiply(layer: Layer, at: Positions) -> Iterator[Shift]:
    """Multiply: shift_write = sum(ipos) - opos; of the inputs the finer one gives way."""
    named, numbers = _named(layer), _numbers(layer)
    if not named or None in numbers or len(named) + len(numbers) != 2:
        return
    least = sum(number.position for number in numbers if number)
    # A number may be written with trailing zeros, at any finer position that its bits leave room for.
    most = sum(number.near(_FINE).position for number in numbers if number)
    plus = tuple(sorted(named, key=lambda each: -at[each[1]]))
    for output in layer.outputs:
        yield Shift(layer.name, "shift_write", plus, (("opos", output),), None, 32, least)
        yield Shift(layer.name, "shift_write", plus, (("opos", output),), 0, None, most)


def _swish(layer: Layer, at: Positions) -> Iterator[Shift]:
    """Swish's multiply: ipos0 + ipos1 - opos; its second factor, a hard sigmoid, has a least position of its own."""
    del at
    if len(layer.quantized) == 2:
        plus = tuple(zip(("ipos0", "ipos1"), layer.quantized, strict=True))
        for output in layer.outputs:
            yield Shift(layer.name, "shift_write", plus, (("opos", output),), 0, 15)


def _named(layer: Layer) -> list[tuple[str, Quantizer]]:
    return [(f"ipos{i}", each) for i, each in enumerate(layer.inputs) if isinstance(each, Quantizer)]


def _numbers(layer: Layer) -> list[Constant | None]:
    return [constant(each) for each in layer.inputs if isinstance(each, float)]


def _hard_sigmoid(layer: Layer, _at: Positions) -> Iterator[Shift]:
    """Hard sigmoid: ipos in [0, 15], opos >= 7, shift = 14 + ipos - opos in [0, 31]."""
    inputs = tuple(("ipos", each) for each in layer.quantized)
    for each in inputs:
        yield Shift(layer.name, "ipos", (each,), (), 0, 15)
    for output in layer.outputs:
        yield Shift(layer.name, "opos", (("opos", output),), (), 7, None)
        for each in inputs:
            yield Shift(layer.name, "shift", (each,), (("opos", output),), 0, 31, 14)


def _same(layer: Layer) -> Iterator[Shift]:
    """Concatenation, pools that pick, and moves: inputs and output share one position, the largest scale's."""
    tensors = tuple(dict.fromkeys((*layer.quantized, *layer.outputs)))
    for other in tensors[1:]:
        yield Shift(layer.name, "ipos - opos", (("ipos", tensors[0]),), (("opos", other),), 0, 0)


WEIGHTED = ("linear", *(f"conv{rank}d" for rank in (1, 2, 3)), *(f"conv_transpose{rank}d" for rank in (1, 2, 3)))
JOINING = (
    *("cat", "stack", "max_pool", "reshape", "transpose", "pick", "share", "copy", "flip", "pixel_shuffle"),
    *("upsample_nearest", "pad", "identity", "relu"),
)
"""Operators whose inputs and outputs share one position."""

_RULES: Mapping[str, Callable[[Layer, Positions], Iterator[Shift]]] = {
    **dict.fromkeys(WEIGHTED, _product),
    **dict.fromkeys(("matmul", "bmm"), _matmul),
    **dict.fromkeys(("add", "sub"), _sum),
    "mul": _multiply,
    "swish_mul": _swish,
    "hardsigmoid": _hard_sigmoid,
}
