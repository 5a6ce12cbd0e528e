"""Measures what quantization cost, on the first batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from quark_core.config.condition import plain
from quark_core.config.models import QuantConfig
from quark_core.engine.batches import call, tensors_in
from quark_core.engine.quantizer import Quantizer, quantizers
from quark_core.engine.report import Report, TensorReport, left_float
from quark_core.engine.sqnr import Sqnr
from quark_core.engine.storage import float_entries, quantizer_entries
from quark_core.errors import ModelError
from quark_core.plugin.plan import Plan


@dataclass(frozen=True)
class Probe:
    """The first batch and what the float model made of it."""

    batch: Any
    output: Any


def outputs_sqnr(model: nn.Module, probe: Probe, measured: dict[str, Sqnr]) -> float | None:
    """Run the probe through the final model; add each activation's SQNR to ``measured`` and return its outputs' own.

    None when no floating-point tensor was found in the outputs (see ``tensors_in``).
    """
    hooks = [
        quantizer.register_forward_hook(_recorder(measured.setdefault(quantizer.key, Sqnr())))
        for quantizer in quantizers(model)
        if quantizer.tensor.role in ("input", "output")
    ]
    try:
        with torch.no_grad():
            output = call(model, probe.batch, 0)
    finally:
        for hook in hooks:
            hook.remove()
    total = Sqnr()
    for before, after in zip(tensors_in(probe.output), tensors_in(output), strict=True):
        if before.is_floating_point():
            total.add(before, after)
    return total.db


def _recorder(sqnr: Sqnr) -> Any:
    def hook(_module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
        sqnr.add(args[0], output)

    return hook


def make_report(
    plan: Plan,
    model: nn.Module,
    config: QuantConfig,
    *,
    measured: Mapping[str, Sqnr],
    float_bytes: int,
    output_sqnr_db: float | None,
    batches: int,
    device_note: str | None,
) -> Report:
    """Return the report of a finished quantization; raises ModelError when the mode left out a planned tensor."""
    found = {quantizer.key: quantizer for quantizer in quantizers(model)}
    storages = {q.tensor.storage: q for q in found.values() if q.tensor.storage}
    rows: list[TensorReport] = []
    stored = sum(t.numel() * t.element_size() for t in float_entries(model).values())
    for tensor in plan.tensors():
        quantizer = found.get(tensor.shared or tensor.key) or storages.get(tensor.storage or "")
        if quantizer is None:
            raise ModelError(f"{tensor.key}: the mode put no quantizer there, though the plan says so")
        sizes = _sizes(quantizer) if quantizer.key == tensor.key else (None, None)
        stored += sizes[1] or 0
        sqnr = measured.get(quantizer.key)
        rows.append(
            TensorReport(
                tensor.key,
                tensor.role,
                tensor.settings.describe(),
                str(tensor.origin),
                sqnr.db if sqnr else None,
                float_bytes=sizes[0],
                stored_bytes=sizes[1],
                shared=tensor.shared,
            )
        )
    return Report(
        tensors=tuple(rows),
        left_float=left_float(plan),
        coverage=plan.coverage,
        float_bytes=float_bytes,
        stored_bytes=stored,
        output_sqnr_db=output_sqnr_db,
        batches=batches,
        mode=str(plain(config.mode)),
        device=str(plain(config.device)),
        device_note=device_note,
    )


def _sizes(quantizer: Quantizer) -> tuple[int | None, int]:
    stored = sum(t.numel() * t.element_size() for t in quantizer_entries(quantizer).values())
    return quantizer.float_bytes, stored
