"""Puts together what was found out into the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from quark_core.config.condition import plain
from quark_core.config.models import QuantConfig
from quark_core.engine.quantizer import Quantizer, quantizers
from quark_core.engine.report import Report, TensorReport, left_float
from quark_core.engine.sqnr import Sqnr
from quark_core.engine.storage import float_entries, quantizer_entries
from quark_core.engine.verification import Verification
from quark_core.errors import ModelError
from quark_core.plugin.adjustment import Adjustment
from quark_core.plugin.plan import Plan


@dataclass(frozen=True)
class Outcome:
    """What a quantization found out, besides the model."""

    measured: Mapping[str, Sqnr]
    """Of each quantized tensor alone, by key."""
    float_bytes: int
    batches: int
    adjustments: tuple[Adjustment, ...]
    device_note: str | None
    verification: Verification


def make_report(plan: Plan, model: nn.Module, config: QuantConfig, outcome: Outcome) -> Report:
    """Return the report of a finished quantization; raises ModelError when the mode left out a planned tensor."""
    there = {quantizer.key: quantizer for quantizer in quantizers(model)}
    storages = {q.tensor.storage: q for q in there.values() if q.tensor.storage}
    rows: list[TensorReport] = []
    stored = sum(t.numel() * t.element_size() for t in float_entries(model).values())
    for tensor in plan.tensors():
        quantizer = there.get(tensor.shared or tensor.key) or storages.get(tensor.storage or "")
        if quantizer is None:
            raise ModelError(f"{tensor.key}: the mode put no quantizer there, though the plan says so")
        sizes = _sizes(quantizer) if quantizer.key == tensor.key else (None, None)
        stored += sizes[1] or 0
        sqnr = outcome.measured.get(quantizer.key)
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
    found = outcome.verification
    return Report(
        tensors=tuple(rows),
        left_float=left_float(plan),
        coverage=plan.coverage,
        float_bytes=outcome.float_bytes,
        stored_bytes=stored,
        output_sqnr_db=found.output_sqnr_db,
        batches=outcome.batches,
        mode=str(plain(config.mode)),
        device=str(plain(config.device)),
        device_note=outcome.device_note,
        agreement=found.agreement,
        probe_batches=found.probe_batches,
        layers=found.layers,
        adjustments=outcome.adjustments,
        final=found.final,
        final_note=found.final_note,
    )


def _sizes(quantizer: Quantizer) -> tuple[int | None, int]:
    stored = sum(t.numel() * t.element_size() for t in quantizer_entries(quantizer).values())
    return quantizer.float_bytes, stored
