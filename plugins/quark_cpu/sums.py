"""Which sums of a graph are added in a kernel, and why others are not."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from quark_core.engine.authoring import argument, note
from quark_cpu.codes import Codes
from quark_cpu.fits import no_input_codes


def terms(node: fx.Node) -> list[Any]:
    """Return what a node adds."""
    return [argument(node, 0, "input"), argument(node, 1, "other")]


def no_sum_kernel(node: fx.Node, codes: Codes, *, float32: bool) -> str | None:
    """Return why a sum cannot be computed by the kernel, or None; ``float32``: whether the whole model is float32."""
    if not all(isinstance(item, fx.Node) for item in terms(node)) or argument(node, 2, "alpha") not in (None, 1):
        return "it does more than to add two tensors"
    if not float32:
        return "the model does not compute in float32 throughout"
    for item in terms(node):
        quantizer = codes.quantizer_behind(item)
        if (why := no_input_codes(quantizer.settings if quantizer else None)) is not None:
            return why
    return None if codes.gives_codes(node) else "its sum is read as float"


def is_float32(model: fx.GraphModule) -> bool:
    """Return whether a graph has parameters of no other floating-point dtype, and casts nothing."""
    tensors = (*model.parameters(), *model.buffers())
    same = all(tensor.dtype == torch.float32 for tensor in tensors if tensor.is_floating_point())
    notes = [note(node) for node in model.graph.nodes]
    return same and not any(found is not None and found.kind == "cast" for found in notes)
