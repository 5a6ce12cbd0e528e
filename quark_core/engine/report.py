"""What a quantization did, in numbers: per tensor, and for the whole model."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from quark_core.plugin.adjustment import Adjustment
from quark_core.plugin.plan import Coverage, Plan
from quark_core.table import counted, table


@dataclass(frozen=True)
class TensorReport:
    """One quantized tensor."""

    key: str
    role: str
    settings: str
    rule: str
    sqnr_db: float | None
    """Signal to quantization noise of this tensor alone; of activations over the probe batches, None without data."""
    float_bytes: int | None = None
    """Size before, for parameters; of tied ones counted once."""
    stored_bytes: int | None = None
    """Size of packed codes, scales and zero points as they are stored."""
    shared: str | None = None
    """Key of the tensor whose quantizer serves this one too."""


@dataclass(frozen=True)
class FloatLayer:
    """One layer that keeps its weight, or all of its parameters, in floating point, or an operator that does."""

    name: str
    type: str
    reason: str
    parameters: int = 0
    """Number of values in the parameters that are its own; none for operators."""


@dataclass(frozen=True)
class LayerReport:
    """What became of the output of one layer, over the probe batches; decibels are None where it was not seen."""

    name: str
    path: str
    """How it computes: see ``LayerPath``."""
    why: str
    local_db: float | None
    """SQNR of its output when it alone is quantized."""
    cumulative_db: float | None
    """SQNR of its output in the quantized model."""
    final_db: float | None = None
    """The same in the lowered model, or in the device's own arithmetic."""


@dataclass(frozen=True)
class FinalReport:
    """What became of the outputs in the final model: the lowered one, or the device's own arithmetic on the host."""

    kind: str
    """``lowered`` or ``executor``."""
    output_sqnr_db: float | None
    """Against the float model."""
    agreement: float | None
    quantized_sqnr_db: float | None
    """Against the quantized model that it came from."""


@dataclass(frozen=True)
class Report:
    """What a quantization did."""

    tensors: tuple[TensorReport, ...]
    left_float: tuple[FloatLayer, ...]
    coverage: Coverage
    float_bytes: int
    """Size of all parameters and buffers before."""
    stored_bytes: int
    """Size of everything that ``save`` stores for the model."""
    output_sqnr_db: float | None
    """Of the outputs over the probe batches, against the model as it was given; None without data."""
    batches: int
    """Batches that were run."""
    mode: str
    device: str
    device_note: str | None
    """Why the device cannot execute here, or None."""
    agreement: float | None = None
    """Share of the outputs' rows whose largest value stays at the same place; None where there are none."""
    probe_batches: int = 0
    """Batches that were replayed."""
    layers: tuple[LayerReport, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    """What the device changed."""
    final: FinalReport | None = None
    final_note: str | None = None
    """Why there is no ``final`` though the device has an arithmetic of its own."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; an infinite SQNR, where nothing changed, is the text ``exact``."""
        found: dict[str, Any] = _plain(asdict(self))
        return found

    def __str__(self) -> str:
        rows = [
            (t.key, _quantized_as(t), t.rule, decibels(t.sqnr_db), sizes(t.float_bytes, t.stored_bytes))
            for t in self.tensors
        ]
        parts = [table(("tensor", "quantized as", "by", "SQNR dB", "bytes"), rows)]
        parts += [text for text in (layer_table(self.layers), adjustment_table(self.adjustments)) if text]
        if self.left_float:
            kept = [((x.name or "(root)", x.type, x.reason), not x.parameters) for x in self.left_float]
            parts.append(table(("left in float", "class", "why"), counted(kept)))
        parts.append("\n".join(self.summary()))
        return "\n\n".join(parts)

    def summary(self) -> list[str]:
        """Return the closing lines: coverage, size, quality of the outputs, device."""
        ratio = f" ({self.float_bytes / self.stored_bytes:.2f}x smaller)" if self.stored_bytes else ""
        return [
            f"coverage: {self.coverage}",
            f"size: {self.float_bytes} -> {self.stored_bytes} bytes{ratio}",
            *self._quality(),
            *self._never_ran(),
            f"mode: {self.mode}, device: {self.device}" + (f" ({self.device_note})" if self.device_note else ""),
        ]

    @property
    def never_ran(self) -> tuple[str, ...]:
        """Keys of the activations whose quantizers saw no value in the probe batches; empty without probe batches."""
        seen = self.tensors if self.probe_batches else ()
        return tuple(t.key for t in seen if t.role in ("input", "output") and t.sqnr_db is None and not t.shared)

    def _never_ran(self) -> list[str]:
        if not (keys := self.never_ran):
            return []
        more = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else ""
        return [f"never ran: the replayed batches reached no quantizer of {', '.join(keys[:_NAMED])}{more}"]

    def _quality(self) -> list[str]:
        if self.output_sqnr_db is None:
            missing = "the outputs hold no floats" if self.probe_batches else "verify replays no batch"
            return [f"output SQNR: not measured, {missing if self.batches else 'there was no data'}"]
        first = "first" if self.probe_batches == 1 else f"first {self.probe_batches}"
        lines = [
            f"output SQNR: {_db(self.output_sqnr_db)} over the {first} of {self.batches} batches{_same(self.agreement)}"
        ]
        if self.final_note:
            lines.append(f"executor: none, {self.final_note}")
        if self.final is not None:
            lines.append(
                f"{self.final.kind}: {_db(self.final.output_sqnr_db)}{_same(self.final.agreement)}; against the "
                f"quantized model: {_db(self.final.quantized_sqnr_db)}"
            )
        return lines


_NAMED = 5
"""Keys that are listed before the rest is only counted."""


def _db(value: float | None) -> str:
    text = decibels(value)
    return text if text == "exact" else f"{text} dB"


def _same(agreement: float | None) -> str:
    return "" if agreement is None else f", {100 * agreement:.1f}% of the rows keep their largest value"


def layer_table(layers: tuple[LayerReport, ...]) -> str:
    """Return a table of how layers compute and what became of their outputs; empty without layers."""
    if not layers:
        return ""
    final = any(layer.final_db is not None for layer in layers)
    head = ("layer", "computes", "local dB", "cumulative dB", *(("final dB",) if final else ()), "with")
    rows = []
    for layer in layers:
        last = (decibels(layer.final_db),) if final else ()
        rows.append((layer.name, layer.path, decibels(layer.local_db), decibels(layer.cumulative_db), *last, layer.why))
    return table(head, rows)


def adjustment_table(adjustments: tuple[Adjustment, ...]) -> str:
    """Return a table of what a device changed; empty where it changed nothing."""
    rows = [(x.tensor, x.before, x.after, x.why) for x in adjustments]
    return table(("changed by the device", "from", "to", "why"), rows) if rows else ""


def decibels(value: float | None) -> str:
    """Return a SQNR for people."""
    if value is None:
        return "-"
    return "exact" if value == math.inf else f"{value:.1f}"


def sizes(before: int | None, after: int | None) -> str:
    """Return ``before -> after`` for people."""
    return f"{before} -> {after}" if before is not None and after is not None else "-"


def left_float(plan: Plan) -> tuple[FloatLayer, ...]:
    """Return what of a plan stays in floating point, with the reason."""
    return tuple(FloatLayer(x.name, x.type, x.reason, x.parameters) for x in plan.layers if x.reason)


def _quantized_as(tensor: TensorReport) -> str:
    return f"= {tensor.shared}" if tensor.shared else tensor.settings


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "exact" if value == math.inf else str(value)
    return value
