"""Activations of 7 bits, for kernels that add pairs of products in 16 bits.

127 * 127 * 2 fits into 16 bits, 255 * 127 * 2 does not. Source: PyTorch's ``reduce_range`` of quantized engines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from quark_core.plugin import Adjustment, DtypeSpec, IntFormat, LayerPlan, Plan, TensorPlan

_WHY = "kernels without VNNI add pairs of products in 16 bits, which 8-bit activations would exceed"


def reduced(plan: Plan) -> tuple[Plan, Sequence[Adjustment]]:
    """Return ``plan`` with every 8-bit activation as a 7-bit one, and what was changed."""
    changes: list[Adjustment] = []
    return Plan(tuple(_layer(layer, changes) for layer in plan.layers)), changes


def _layer(layer: LayerPlan, changes: list[Adjustment]) -> LayerPlan:
    return replace(layer, tensors=tuple(_tensor(tensor, changes) for tensor in layer.tensors))


def _tensor(tensor: TensorPlan, changes: list[Adjustment]) -> TensorPlan:
    dtype = tensor.settings.dtype
    fmt = dtype.format
    if tensor.role not in ("input", "output") or not isinstance(fmt, IntFormat) or fmt.bits != 8:
        return tensor
    narrow = DtypeSpec("int7" if fmt.signed else "uint7", IntFormat(7, signed=fmt.signed))
    changes.append(Adjustment(tensor.key, dtype.name, narrow.name, _WHY))
    return replace(tensor, settings=replace(tensor.settings, dtype=narrow))
