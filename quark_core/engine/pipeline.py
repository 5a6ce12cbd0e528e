"""The main job: plan, prepare, calibrate, adjust, freeze, convert, report."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from itertools import chain, islice
from typing import Any

import torch
from torch import Tensor, nn

from quark_core.config.models import QuantConfig
from quark_core.engine.batches import Digest, batches_of, call, example_inputs, mapped
from quark_core.engine.inputs import described
from quark_core.engine.measure import Probe, make_report, outputs_sqnr
from quark_core.engine.progress import tracked
from quark_core.engine.quantizer import Quantizer, parameter_quantizers, quantizers
from quark_core.engine.result import Result
from quark_core.engine.sqnr import Sqnr
from quark_core.errors import DataError, ModelError, UsageError
from quark_core.plan import make_plan
from quark_core.plugin.devices import Device
from quark_core.plugin.plan import Plan
from quark_core.plugin.protocols import Mode
from quark_core.plugin.specs import DeviceSpec, ModeSpec
from quark_core.registry import Registry, use


def quantize(
    model: nn.Module,
    config: QuantConfig,
    *,
    calibration: Iterable[Any] | None = None,
    progress: bool | None = None,
    registry: Registry | None = None,
) -> Result:
    """Quantize a copy of ``model`` as ``config`` says; ``model`` itself is not changed.

    ``calibration`` yields batches: a tensor, a tuple of positional arguments or a dict of named ones, moved to the
    model's device; at most ``config.calibration.batches`` are run. It may be None when no activation has a static
    scale; the first batch also serves to measure the report's SQNR. The result's model is in eval mode.

    Raises PlanError (the config does not fit the model), DataError (data missing, NaN or Inf), ModelError, DeviceError.
    """
    if not isinstance(config, QuantConfig):
        raise UsageError(f"quantize: config must be a QuantConfig, not {type(config).__name__}; see load_config")
    with use(registry) as active:
        mode, device = make_mode(config, active), make_device(config, active)
        prepared, plan, source, inputs = _prepared(model, config, mode, calibration)
        float_bytes = state_bytes(model)
        owned = observe_parameters(prepared)
        probe, count, digest = _calibrate(prepared, source, config.calibration.batches, progress)
        measured = fix_scales(prepared, device, owned)
        final = mode.convert(prepared)
        output = outputs_sqnr(final, probe, measured) if probe else None
        report = make_report(
            plan,
            final,
            config,
            measured=measured,
            float_bytes=float_bytes,
            output_sqnr_db=output,
            batches=count,
            device_note=device.unavailable(),
        )
        return Result(final, plan, report, config, digest, active, described(inputs))


def make_mode(config: QuantConfig, registry: Registry) -> Mode:
    """Return the config's mode, constructed."""
    spec, options = registry.choose(ModeSpec, config.mode)
    return spec.impl.load()(options)


def make_device(config: QuantConfig, registry: Registry) -> Device:
    """Return the config's device, constructed."""
    spec, options = registry.choose(DeviceSpec, config.device)
    return spec.impl.load()(options)


def own_copy(model: nn.Module) -> nn.Module:
    """Return a copy of ``model`` in eval mode; raises ModelError."""
    if not isinstance(model, nn.Module):
        raise ModelError(f"a torch.nn.Module is needed, not {type(model).__name__}")
    try:
        return copy.deepcopy(model).eval()
    except Exception as error:
        raise ModelError(f"the model cannot be copied: {type(error).__name__}: {error}") from error


def state_bytes(model: nn.Module) -> int:
    """Return the size of a model's parameters and buffers in bytes, shared ones counted once."""
    tensors = {id(t): t for t in chain(model.parameters(), model.buffers())}
    return sum(t.numel() * t.element_size() for t in tensors.values())


def _prepared(
    model: nn.Module, config: QuantConfig, mode: Mode, calibration: Iterable[Any] | None
) -> tuple[nn.Module, Plan, Iterable[Any], Any]:
    own = own_copy(model)
    source = batches_of(calibration, config.calibration.batches)
    first = list(islice(source, 1))
    inputs = example_inputs(first[0]) if first else None
    plan = make_plan(config, mode.outline(own, inputs))
    return mode.prepare(own, plan, inputs), plan, chain(first, source), inputs


def _calibrate(
    prepared: nn.Module, source: Iterable[Any], limit: int, progress: bool | None
) -> tuple[Probe | None, int, str | None]:
    needed = [q for q in quantizers(prepared) if q.observer is not None and q.tensor.role in ("input", "output")]
    probe, count, digest = None, 0, Digest()
    with torch.no_grad():
        for index, batch in enumerate(tracked(source, "calibrating", limit, show=progress)):
            digest.add(batch)
            # Some models work in place on what they are given.
            kept = None if probe else mapped(batch, Tensor.clone)
            output = call(prepared, batch, index)
            probe = probe or Probe(kept, output)
            count += 1
            if not needed:
                break
    if needed and not count:
        raise DataError(
            f"calibration data are needed: {needed[0].key} and {len(needed) - 1} more activations have a static scale; "
            "give calibration batches, or set is_dynamic: true"
        )
    return probe, count, digest.hexdigest() if count else None


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


def fix_scales(prepared: nn.Module, device: Device, owned: Owned) -> dict[str, Sqnr]:
    """Compute scales, let the device adjust them, snap parameters; return the SQNR of every quantized parameter."""
    for quantizer in quantizers(prepared):
        quantizer.calibrated()
    device.adjust(prepared)
    measured = {q.key: _snap(q, getattr(module, name)) for q, (module, name) in owned.items()}
    for quantizer in quantizers(prepared):
        quantizer.quantizing = True
    return measured


def _snap(quantizer: Quantizer, parameter: nn.Parameter) -> Sqnr:
    snapped = quantizer.snap(parameter)
    sqnr = Sqnr()
    sqnr.add(parameter, snapped)
    with torch.no_grad():
        parameter.copy_(snapped)
    # Steps of an optimizer would leave the grid without a word.
    parameter.requires_grad = False
    return sqnr
