"""Moves quantizers in front of what only moves or picks values, so that integer codes are moved instead of floats.

Quantizing is monotone and treats each value alone, so it commutes with moving values and with taking the largest.
"""

from __future__ import annotations

import operator
from typing import Any

from torch import fx

from quark_core.engine.authoring import Quantizer, argument, note, result_of
from quark_cpu.grids import grid_of, is_one_scale

MOVING = frozenset(
    (
        "max_pool",
        "reshape",
        "transpose",
        "pick",
        "share",
        "copy",
        "flip",
        "pixel_shuffle",
        "identity",
        "upsample_nearest",
    )
)
"""Kinds of operators that do the same to uint8 codes as to floats."""


def quantizer_of(node: Any, modules: dict[str, Any]) -> Quantizer | None:
    """Return the quantizer that a node calls, or None."""
    calls = isinstance(node, fx.Node) and node.op == "call_module"
    found = modules.get(str(node.target)) if calls else None
    return found if isinstance(found, Quantizer) else None


def hoist(graph: fx.GraphModule) -> None:
    """Move each quantizer with one fixed scale as far to the front of ``graph`` as it commutes; results stay equal."""
    modules = dict(graph.named_modules())
    for node in list(graph.graph.nodes):
        quantizer = quantizer_of(node, modules)
        if quantizer is not None and is_one_scale(quantizer.settings) and grid_of(quantizer) is not None:
            while (moving := _moving(node, modules)) is not None:
                _swap(node, moving)
    graph.recompile()


def moves_codes(node: Any, modules: dict[str, Any]) -> bool:
    """Return whether a node does the same to codes as to floats."""
    found = note(node) if isinstance(node, fx.Node) else None
    if found is None or found.kind not in MOVING:
        return False
    # Pooling that also tells where the largest values are gives two results.
    module = modules.get(str(node.target)) if node.op == "call_module" else None
    several = node.kwargs.get("return_indices") or getattr(module, "return_indices", False)
    return not several and "with_indices" not in str(getattr(node.target, "__name__", ""))


def _moving(node: fx.Node, modules: dict[str, Any]) -> fx.Node | None:
    """Return what moves the values that a quantizer gets, where nobody else has its result and nobody looks at it."""
    source: Any = node.args[0]
    if not moves_codes(source, modules) or len(source.users) != 1 or result_of(source) or result_of(node):
        return None
    before = argument(source, 0, "input")
    # What picks one of several values gets no tensor that could be quantized.
    picks = source.target is operator.getitem and isinstance(source.args[1], int)
    return source if isinstance(before, fx.Node) and not picks else None


def _swap(node: fx.Node, moving: fx.Node) -> None:
    """Turn x -> moving -> quantizer into x -> quantizer -> moving."""
    before: Any = argument(moving, 0, "input")
    node.replace_all_uses_with(moving)
    moving.replace_input_with(before, node)
    node.args = (before,)
    moving.prepend(node)
