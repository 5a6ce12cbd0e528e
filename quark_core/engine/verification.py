"""What the replays of the probe batches say of the quantized and of the final model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import nn

from quark_core.engine.activations import measured_activations
from quark_core.engine.marks import noted_layers
from quark_core.engine.report import FinalReport, LayerReport
from quark_core.engine.sqnr import Sqnr
from quark_core.engine.untouched import marks, touched
from quark_core.engine.verify import Measured, Probe, cumulative, local
from quark_core.errors import DataError, DeviceError
from quark_core.plugin.adjustment import LayerPath
from quark_core.plugin.devices import Device, Executes, Lowered
from quark_core.plugin.plan import Plan


@dataclass(frozen=True)
class Verification:
    """What was measured, for the report."""

    output_sqnr_db: float | None = None
    agreement: float | None = None
    probe_batches: int = 0
    layers: tuple[LayerReport, ...] = ()
    final: FinalReport | None = None
    final_note: str | None = None
    """Why there is no ``final`` though the device has an arithmetic of its own."""


@dataclass(frozen=True)
class _Final:
    """The model that stands for what the device computes, and how its layers do it."""

    kind: str = ""
    model: nn.Module | None = None
    paths: Mapping[str, LayerPath] = field(default_factory=dict)
    note: str | None = None


def verified(
    device: Device,
    plan: Plan,
    quantized: nn.Module,
    lowered: nn.Module | None,
    probes: Sequence[Probe],
    *,
    activations: dict[str, Sqnr],
) -> Verification:
    """Replay ``probes`` through the quantized model and through the lowered one, or the device's own arithmetic.

    What quantization changes of each activation is added to ``activations``, by key.
    """
    final = _final(device, plan, quantized, lowered)
    if not probes and final.model is None:
        return Verification(final_note=final.note)
    alone = local(quantized, probes)
    with measured_activations(quantized, activations):
        together = cumulative(quantized, probes)
    last = _replayed(final, probes) if final.model is not None else None
    return Verification(
        output_sqnr_db=together.outputs.db,
        agreement=together.agreement,
        probe_batches=len(probes),
        layers=_layers(plan, alone, together, last, final.paths),
        final=_compared(final.kind, together, last) if last else None,
        final_note=final.note,
    )


def _final(device: Device, plan: Plan, quantized: nn.Module, lowered: nn.Module | None) -> _Final:
    if lowered is not None:
        return _Final("lowered", lowered, _paths(lowered, plan, quantized))
    if not isinstance(device, Executes):
        return _Final()
    before = marks(quantized)
    try:
        executor = device.executor(quantized)
    except DeviceError as error:
        return _Final(note=str(error))
    if part := touched(before, marks(quantized)):
        raise DeviceError(
            f"executor() changed {part!r} of the model that it was given, which is the result of the job: let it work "
            "on copy.deepcopy(model); this is a fault of the device's plugin"
        )
    return _Final("executor", executor, _paths(executor, plan, quantized))


def _paths(model: nn.Module, plan: Plan, quantized: nn.Module) -> Mapping[str, LayerPath]:
    paths = model.layer_paths if isinstance(model, Lowered) else {}
    if unknown := set(paths) - {layer.name for layer in plan.layers} - noted_layers(quantized):
        raise DeviceError(
            f"layer_paths names {min(unknown)!r}, which is no layer of the model; "
            "this is a fault of the device's plugin"
        )
    return paths


def _replayed(final: _Final, probes: Sequence[Probe]) -> Measured:
    if final.model is None:
        raise ValueError("there is no final model")
    try:
        return cumulative(final.model, probes)
    except DataError as error:
        # The quantized model took the same batch, so that the batch is not to blame.
        cause = error.__cause__ or error
        raise DeviceError(
            f"the {final.kind} model fails on a batch that the quantized model runs: {type(cause).__name__}: {cause}; "
            "this is a fault of the device's plugin"
        ) from error


def _compared(kind: str, quantized: Measured, final: Measured) -> FinalReport:
    between = Sqnr()
    for before, after in zip(quantized.results, final.results, strict=True):
        between.add(before, after)
    return FinalReport(kind, final.outputs.db, final.agreement, between.db)


def _layers(
    plan: Plan, alone: Mapping[str, Sqnr], together: Measured, last: Measured | None, paths: Mapping[str, LayerPath]
) -> tuple[LayerReport, ...]:
    return tuple(
        LayerReport(
            layer.name,
            (path := paths.get(layer.name, LayerPath("simulated"))).path,
            path.why,
            _db(alone, layer.name),
            _db(together.layers, layer.name),
            _db(last.layers, layer.name) if last else None,
        )
        for layer in plan.layers
        if layer.tensors
    )


def _db(found: Mapping[str, Sqnr], layer: str) -> float | None:
    return found[layer].db if layer in found else None
