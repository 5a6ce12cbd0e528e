"""The main job: plan, prepare, calibrate, adjust, freeze, convert, verify, report."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Mapping
from itertools import chain, islice
from typing import Any

import torch
from torch import nn

from quark_core.config.models import QuantConfig
from quark_core.engine.batches import Digest, batches_of, call, example_inputs
from quark_core.engine.inputs import described
from quark_core.engine.measure import Outcome, make_report
from quark_core.engine.progress import tracked
from quark_core.engine.quantizer import Quantizer, parameter_quantizers, quantizers
from quark_core.engine.result import Result
from quark_core.engine.sqnr import Sqnr
from quark_core.engine.target import Target
from quark_core.engine.thresholds import check_thresholds
from quark_core.engine.verification import verified
from quark_core.engine.verify import Probe, original_outputs, record
from quark_core.errors import DataError, ModelError, UsageError
from quark_core.plugin.adjustment import Adjustment
from quark_core.plugin.devices import Device
from quark_core.plugin.plan import Plan
from quark_core.registry import Registry, use


def quantize(
    model: nn.Module,
    config: QuantConfig,
    *,
    calibration: Iterable[Any] | None = None,
    lower: bool = False,
    progress: bool | None = None,
    registry: Registry | None = None,
) -> Result:
    """Quantize a copy of ``model`` as ``config`` says; ``model`` itself is not changed.

    ``calibration`` yields batches: a tensor, a tuple of positional arguments or a dict of named ones, moved to the
    model's device; at most ``config.calibration.batches`` are run. It may be None when no activation has a static
    scale; the first ``config.verify.probe_batches`` also serve to measure the report's SQNR. With ``lower`` the
    result's ``lowered`` really executes on the config's device. The result's models are in eval mode.

    Raises PlanError (the config does not fit the model), DataError (data missing, NaN or Inf), ModelError, DeviceError,
    VerificationError (it falls short of what ``config.verify`` asks).
    """
    if not isinstance(config, QuantConfig):
        raise UsageError(f"quantize: config must be a QuantConfig, not {type(config).__name__}; see load_config")
    with use(registry) as active:
        target = Target.of(config, active, lowering=lower)
        if lower:
            # Before the long work.
            target.check_here()
        prepared, plan, changes, source, inputs = _prepared(model, target, calibration)
        owned = observe_parameters(prepared)
        probes, count, digest = _calibrate(prepared, plan, source, config, progress)
        if target.rewrites:
            # What the device's passes cost counts too.
            probes = original_outputs(own_copy(model), probes)
        measured, adjusted = fix_scales(prepared, target.device, owned)
        final = target.mode.convert(prepared)
        lowered = target.device.lower(_copied(final)).eval() if lower else None
        outcome = Outcome(
            measured=measured,
            float_bytes=state_bytes(model),
            batches=count,
            adjustments=(*changes, *adjusted),
            device_note=target.device.unavailable(),
            verification=verified(target.device, plan, final, lowered, probes, activations=measured),
        )
        report = make_report(plan, final, config, outcome)
        check_thresholds(config, report)
        return Result(final, lowered, plan, report, config, digest, active, target.options, described(inputs))


def own_copy(model: nn.Module) -> nn.Module:
    """Return a copy of ``model`` in eval mode; raises ModelError."""
    if not isinstance(model, nn.Module):
        raise ModelError(f"a torch.nn.Module is needed, not {type(model).__name__}")
    try:
        return copy.deepcopy(model).eval()
    except Exception as error:
        raise ModelError(f"the model cannot be copied: {type(error).__name__}: {error}") from error


def _copied(model: nn.Module) -> nn.Module:
    with warnings.catch_warnings():
        # torch warns of what it does itself where it copies an exported graph.
        warnings.filterwarnings("ignore", message=".*LeafSpec", category=FutureWarning)
        return copy.deepcopy(model)


def state_bytes(model: nn.Module) -> int:
    """Return the size of a model's parameters and buffers in bytes, shared ones counted once."""
    tensors = {id(t): t for t in chain(model.parameters(), model.buffers())}
    return sum(t.numel() * t.element_size() for t in tensors.values())


def _prepared(
    model: nn.Module, target: Target, calibration: Iterable[Any] | None
) -> tuple[nn.Module, Plan, tuple[Adjustment, ...], Iterable[Any], Any]:
    own = own_copy(model)
    source = batches_of(calibration, target.config.calibration.batches)
    first = list(islice(source, 1))
    inputs = example_inputs(first[0]) if first else None
    plan, changes = target.plan(own, inputs)
    return target.mode.prepare(own, plan, inputs), plan, changes, chain(first, source), inputs


def _calibrate(
    prepared: nn.Module, plan: Plan, source: Iterable[Any], config: QuantConfig, progress: bool | None
) -> tuple[list[Probe], int, str | None]:
    needed = [q for q in quantizers(prepared) if q.observer is not None and q.tensor.role in ("input", "output")]
    layers = tuple(layer.name for layer in plan.layers if layer.tensors)
    wanted, probes, count, digest = config.verify.probe_batches, list[Probe](), 0, Digest()
    with torch.no_grad():
        for index, batch in enumerate(tracked(source, "calibrating", config.calibration.batches, show=progress)):
            digest.add(batch)
            if index < wanted:
                probes.append(record(prepared, batch, index, layers))
            else:
                call(prepared, batch, index)
            count += 1
            if not needed and count >= wanted:
                break
    if needed and not count:
        raise DataError(
            f"calibration data are needed: {needed[0].key} and {len(needed) - 1} more activations have a static scale; "
            "give calibration batches, or set is_dynamic: true"
        )
    return probes, count, digest.hexdigest() if count else None


Owned = Mapping[Quantizer, tuple[nn.Module, str]]
"""The quantizer of each parameter, and where that parameter is; a tied one stands under its first owner."""


def observe_parameters(prepared: nn.Module) -> Owned:
    """Show every parameter to its quantizer; a NaN is then found where it is, and not where it surfaces."""
    owned: dict[Quantizer, tuple[nn.Module, str]] = {}
    for module, name, quantizer in parameter_quantizers(prepared):
        owned.setdefault(quantizer, (module, name))
    for quantizer, (module, name) in owned.items():
        quantizer.observe(getattr(module, name))
    return owned


def fix_scales(prepared: nn.Module, device: Device, owned: Owned) -> tuple[dict[str, Sqnr], tuple[Adjustment, ...]]:
    """Compute scales, let the device adjust them, snap parameters.

    Return the SQNR of every quantized parameter, and what the device changed.
    """
    for quantizer in quantizers(prepared):
        quantizer.calibrated()
    adjusted = tuple(device.adjust(prepared) or ())
    measured = {q.key: _snap(q, getattr(module, name)) for q, (module, name) in owned.items()}
    for quantizer in quantizers(prepared):
        quantizer.quantizing = True
    return measured, adjusted


def _snap(quantizer: Quantizer, parameter: nn.Parameter) -> Sqnr:
    snapped = quantizer.snap(parameter)
    sqnr = Sqnr()
    sqnr.add(parameter, snapped)
    with torch.no_grad():
        parameter.copy_(snapped)
    # Steps of an optimizer would leave the grid without a word.
    parameter.requires_grad = False
    return sqnr
