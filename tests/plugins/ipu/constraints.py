"""The IPU's constraints once more, written down by themselves: they share no code with the plugin."""

from __future__ import annotations

from collections.abc import Iterator
from math import log2
from typing import Any

from torch import fx

from quark_core.engine.marks import Note, note
from quark_core.engine.quantizer import Quantizer

_PICKS = ("max_pool", "reshape", "transpose", "pick", "share", "copy", "flip", "upsample_nearest", "pad", "identity")


def broken(model: fx.GraphModule) -> list[str]:
    """Return the constraints that do not hold."""
    return [text for node in model.graph.nodes for text in _of_node(node, model)]


def _of_node(node: fx.Node, model: fx.GraphModule) -> Iterator[str]:
    found = note(node)
    if found is None:
        return
    ins, outs = _inputs(node, found, model), _outputs(node, model)
    known = [each for each in ins if each is not None]
    if found.weight is not None and len(known) == 1:
        yield from _product(found, model, known[0], outs)
    elif found.kind in ("cat", "stack", *_PICKS) and len({*known, *outs}) > 1:
        yield f"{node}: {known} and {outs} are not one position"
    elif len(known) == len(ins):
        for out in outs:
            yield from (f"{node}: {text}" for text in _pairs(found.kind, known, out, _number(node)))


def _product(found: Note, model: fx.GraphModule, ipos: int, outs: list[int]) -> Iterator[str]:
    wpos = _parameter(model, found.weight)
    bpos = _parameter(model, found.bias) if found.bias else None
    for opos in outs:
        cut = wpos + ipos - opos
        if not 0 <= cut <= 16:
            yield f"{found.layer}: shift_cut {cut}"
        if bpos is not None and not min(0, -(24 - (8 + cut))) <= wpos + ipos - bpos <= 15:
            yield f"{found.layer}: shift_bias {wpos + ipos - bpos} with shift_cut {cut}"


def _number(node: fx.Node) -> float | None:
    """Return the number that a sum or product has in place of one of its two tensors."""
    return next((float(x) for x in node.args[:2] if isinstance(x, int | float)), None)


def _of_number(value: float) -> range:
    """Return the positions at which ``value`` is a whole number of at most 7 bits."""
    fits = [p for p in range(-40, 60) if value * 2.0**p == int(value * 2.0**p) and abs(value * 2.0**p) < 128]
    return range(fits[0], fits[-1] + 1) if fits else range(0)


def _pairs(kind: str, ins: list[int], out: int, number: float | None) -> Iterator[str]:
    if number is not None:
        # One of the ways to write the number must do.
        if kind in ("add", "sub", "mul") and _of_number(number):
            ways = [list(_pairs(kind, [*ins, position], out, None)) for position in _of_number(number)]
            yield from min(ways, key=len)
        return
    if kind in ("add", "sub"):
        if max(ins) - min(ins) > 7:
            yield f"shift_read {max(ins) - min(ins)}"
        if not -7 <= min(ins) - out <= 25:
            yield f"shift_write {min(ins) - out}"
    if kind == "mul" and not 0 <= sum(ins) - out <= 32:
        yield f"shift_write {sum(ins) - out}"
    if kind == "swish_mul" and not 0 <= sum(ins) - out <= 15:
        yield f"shift_write {sum(ins) - out} of swish"
    if kind == "hardsigmoid" and not (0 <= ins[0] <= 15 and out >= 7 and 0 <= 14 + ins[0] - out <= 31):
        yield f"hard sigmoid {ins[0]} {out}"


def _position(quantizer: Any) -> int:
    assert isinstance(quantizer, Quantizer)
    assert quantizer.scale is not None
    position = -log2(float(quantizer.scale))
    assert position == int(position)
    return int(position)


def _parameter(model: fx.GraphModule, path: str | None) -> int:
    assert path is not None
    return _position(model.get_submodule(f"{path}_quantizer"))


def _quantizer(node: fx.Node, model: fx.GraphModule) -> Quantizer | None:
    found = model.get_submodule(str(node.target)) if node.op == "call_module" else None
    return found if isinstance(found, Quantizer) else None


def _inputs(node: fx.Node, found: Note, model: fx.GraphModule) -> list[int | None]:
    """Return the positions of the activations; numbers are left out."""
    given: list[fx.Node] = []
    for place in found.inputs:
        value = node.args[place] if place < len(node.args) else None
        given += [x for x in (value if isinstance(value, list | tuple) else [value]) if isinstance(x, fx.Node)]
    return [_before(each, model) for each in given]


def _before(node: fx.Node, model: fx.GraphModule) -> int | None:
    while True:
        own, found = _quantizer(node, model), note(node)
        if own is not None:
            return _position(own)
        if found is None or not (found.moves or found.kind in ("cat", "stack")):
            return None
        first = node.args[0]
        node = first[0] if isinstance(first, list | tuple) else first  # type: ignore[assignment]  # a node


def _outputs(node: fx.Node, model: fx.GraphModule) -> list[int]:
    found, waiting = [], list(node.users)
    while waiting:
        user = waiting.pop()
        own, known = _quantizer(user, model), note(user)
        if own is not None:
            found.append(_position(own))
        elif known is not None and (known.moves or (known.kind == "relu6" and known.layer is None)):
            waiting += list(user.users)
    return found
