"""Gives back a saved model, with outputs that are equal bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor, nn

from quark_core.config.migration.data import migrated
from quark_core.config.models import QuantConfig
from quark_core.engine.artifact import formats_of, read
from quark_core.engine.inputs import stand_ins
from quark_core.engine.pipeline import own_copy
from quark_core.engine.quantizer import parameter_quantizers, quantizer_buffers, quantizers
from quark_core.engine.storage import restore_quantizer, restored_parameter
from quark_core.engine.target import Target
from quark_core.errors import ArtifactError, ConfigError, PlanError
from quark_core.plugin.plan import Plan
from quark_core.registry import Registry, use


def load(folder: str | Path, model: nn.Module, *, lower: bool = False, registry: Registry | None = None) -> nn.Module:
    """Return the quantized model that ``Result.save`` wrote into ``folder``, in eval mode.

    ``model`` is the float network with any weights; it is not changed. Nothing in the folder is executed. With
    ``lower`` the model really executes on the config's device. Raises ArtifactError when the folder is damaged, was
    made with other settings or for another network; DeviceError where it cannot be lowered.
    """
    folder = Path(folder)
    manifest, saved, entries = read(folder)
    with use(registry) as active:
        config = _config(folder, saved, manifest)
        target = _target(folder, config, active, manifest)
        if lower:
            target.check_here()
        own = own_copy(model)
        inputs = _inputs(folder, manifest)
        plan = _plan(folder, target, own, inputs, manifest)
        prepared = target.mode.prepare(own, plan, inputs)
        _restore(folder, prepared, entries)
        final = target.mode.convert(prepared)
        return target.device.lower(final).eval() if lower else final


def _target(folder: Path, config: QuantConfig, registry: Registry, manifest: Mapping[str, Any]) -> Target:
    resolved = manifest.get("device")
    try:
        return Target.of(config, registry, resolved=resolved if isinstance(resolved, dict) else None)
    except ValidationError as error:
        raise ArtifactError(f"{folder}: its manifest holds options that the device does not take: {error}") from error


def _config(folder: Path, saved: Mapping[str, Any], manifest: Mapping[str, Any]) -> QuantConfig:
    try:
        return QuantConfig.model_validate(migrated(saved))
    except ConfigError as error:
        raise ArtifactError(f"{folder}: its config cannot be read here: {error}") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False))
        raise ArtifactError(
            f"{folder}: its config is not valid here: {faults}; it was saved with {_dists(manifest)}"
        ) from error


def _inputs(folder: Path, manifest: Mapping[str, Any]) -> Any:
    try:
        return stand_ins(manifest.get("inputs"))
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise ArtifactError(f"{folder}: its manifest holds inputs that cannot be read: {error}") from error


def _plan(folder: Path, target: Target, model: nn.Module, inputs: Any, manifest: Mapping[str, Any]) -> Plan:
    try:
        plan, _ = target.plan(model, inputs)
    except PlanError as error:
        raise ArtifactError(f"{folder}: was not made for this network:\n{error}") from error
    planned = {tensor.key: tensor.settings.describe() for tensor in plan.tensors()}
    stored = manifest.get("tensors")
    stored = stored if isinstance(stored, dict) else {}
    for key in sorted({*planned, *stored}):
        if planned.get(key) != stored.get(key):
            raise ArtifactError(
                f"{folder}: was made with other settings or for another network: {key} is "
                f"{stored.get(key) or 'not quantized'} in the folder and {planned.get(key) or 'not quantized'} here"
            )
    _check_formats(folder, plan, manifest)
    return plan


def _check_formats(folder: Path, plan: Plan, manifest: Mapping[str, Any]) -> None:
    stored = manifest.get("formats")
    for name, mark in formats_of(plan).items():
        saved = stored.get(name) if isinstance(stored, dict) else None
        if saved != mark:
            raise ArtifactError(
                f"{folder}: its codes of {name} were {saved or 'of a format that it does not tell'} when it was saved, "
                f"and here they are {mark}; install the plugins it was saved with: {_dists(manifest)}"
            )


def _dists(manifest: Mapping[str, Any]) -> str:
    plugins = manifest.get("plugins")
    return ", ".join(sorted({str(dist) for dist in plugins.values()})) if isinstance(plugins, dict) else "unknown"


def _restore(folder: Path, prepared: nn.Module, entries: Mapping[str, Tensor]) -> None:
    device = next((p.device for p in prepared.parameters()), torch.device("cpu"))
    moved = {name: tensor.to(device) for name, tensor in entries.items()}
    for quantizer in quantizers(prepared):
        restore_quantizer(quantizer, moved)
    quantized: set[int] = set()
    with torch.no_grad():
        for module, name, quantizer in parameter_quantizers(prepared):
            parameter = module.get_parameter(name)
            if id(parameter) not in quantized:
                parameter.copy_(restored_parameter(quantizer, parameter))
                parameter.requires_grad = False
                quantized.add(id(parameter))
        _restore_float(folder, prepared, moved, quantized)


def _restore_float(folder: Path, prepared: nn.Module, entries: Mapping[str, Tensor], done: set[int]) -> None:
    seen = done | quantizer_buffers(prepared)
    for name, value in prepared.state_dict(keep_vars=True).items():
        if id(value) in seen:
            continue
        seen.add(id(value))
        saved = entries.get(f"float/{name}")
        if saved is None or saved.shape != value.shape or saved.dtype != value.dtype:
            found = f"{saved.dtype}{list(saved.shape)}" if saved is not None else "nothing"
            raise ArtifactError(
                f"{folder}: was not made for this network: {name} is {value.dtype}{list(value.shape)}, saved is {found}"
            )
        value.copy_(saved)
