"""A quantized model as a folder: safetensors and JSON, never pickle."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from quark_core.engine.format_mark import format_mark
from quark_core.engine.quantizer import quantizers
from quark_core.engine.result import Result
from quark_core.engine.storage import check_states, float_entries, quantizer_entries
from quark_core.errors import ArtifactError
from quark_core.plugin.plan import Plan
from quark_core.plugin.specs import DeviceSpec, ModeSpec
from quark_core.registry import Registry

FORMAT = 1
"""Version of the folder's layout."""
MANIFEST, CONFIG, TENSORS = "manifest.json", "config.json", "model.safetensors"


def write(result: Result, folder: Path, architecture: str | None) -> Path:
    """Write ``result`` into ``folder``; see ``Result.save``."""
    config = _json({"version": result.config.version, **result.config.to_dict()})
    tensors = save_tensors(dict(sorted(_entries(result).items())))
    manifest = _json(_manifest(result, config, tensors, architecture))
    try:
        _replace(folder, {TENSORS: tensors, CONFIG: config, MANIFEST: manifest})
    except OSError as error:
        raise ArtifactError(f"{folder}: cannot be written: {error.strerror or error}") from error
    return folder


def _entries(result: Result) -> dict[str, Tensor]:
    check_states(result.model)
    entries = float_entries(result.model)
    for quantizer in quantizers(result.model):
        entries |= quantizer_entries(quantizer)
    seen: set[int] = set()
    return {name: _own_memory(tensor.contiguous().cpu(), seen) for name, tensor in entries.items()}


def _own_memory(tensor: Tensor, seen: set[int]) -> Tensor:
    # safetensors refuses tensors that share memory, which views of one buffer do.
    memory = tensor.untyped_storage().data_ptr()
    if memory in seen:
        return tensor.clone()
    seen.add(memory)
    return tensor


def _manifest(result: Result, config: bytes, tensors: bytes, architecture: str | None) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "architecture": architecture,
        "inputs": result.inputs,
        "device": result.device.model_dump(mode="json"),
        "versions": {"quark-core": version("quark-core"), "torch": torch.__version__},
        "plugins": plugins_of(result.plan, result),
        "sha256": {CONFIG: _sha256(config), TENSORS: _sha256(tensors), "data": result.data_sha256},
        "tensors": {t.key: t.settings.describe() for t in result.plan.tensors()},
        "formats": formats_of(result.plan),
        "report": result.report.to_dict(),
    }


def formats_of(plan: Plan) -> dict[str, str]:
    """Return dtype -> what its codes stand for, in words or as a digest, for every dtype of ``plan``."""
    specs = {tensor.settings.dtype.name: tensor.settings.dtype for tensor in plan.tensors()}
    return {name: format_mark(specs[name].format) for name in sorted(specs)}


def plugins_of(plan: Plan, result: Result) -> dict[str, str]:
    """Return plugin -> distribution and version, for every plugin that the result was made with."""
    registry: Registry = result.registry
    used = {
        (DeviceSpec.kind, registry.choose(DeviceSpec, result.config.device)[0].name),
        (ModeSpec.kind, registry.choose(ModeSpec, result.config.mode)[0].name),
    }
    for tensor in plan.tensors():
        settings = tensor.settings
        specs = (settings.dtype, settings.rounding, settings.observer)
        used |= {(spec.kind, spec.name) for spec in specs if spec is not None}
    owners = [registry.owner(kind, name) for kind, name in used]
    return {owner.name: owner.dist for owner in sorted(owners, key=lambda p: p.name)}


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def check_target(folder: Path) -> None:
    """Raise ArtifactError when ``folder`` holds anything but what ``write`` puts there: it will be replaced whole."""
    try:
        held = {path.name for path in folder.iterdir()} if folder.exists() else set()
        ours = not held or (held == {MANIFEST, CONFIG, TENSORS} and _is_manifest(folder))
    except OSError as error:
        raise ArtifactError(f"{folder}: cannot be written: {error.strerror or error}") from error
    if not ours:
        raise ArtifactError(
            f"{folder}: exists and holds other things than Quark Core wrote; choose another folder or empty it"
        )


def _is_manifest(folder: Path) -> bool:
    # Many projects have a manifest.json.
    return {"format", "sha256", "tensors"} <= _object(folder, MANIFEST, _bytes(folder, MANIFEST)).keys()


def _replace(folder: Path, files: Mapping[str, bytes]) -> None:
    check_target(folder)
    folder = Path(os.path.realpath(folder))  # a link to a folder stays a link
    folder.parent.mkdir(parents=True, exist_ok=True)
    mark = secrets.token_hex(4)
    new, old = (folder.with_name(f".{folder.name}.{kind}-{mark}") for kind in ("new", "old"))
    new.mkdir()
    try:
        for name, data in files.items():
            _write(new / name, data)
        if folder.exists():
            folder.rename(old)
        try:
            new.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def read(folder: Path) -> tuple[dict[str, Any], dict[str, Any], dict[str, Tensor]]:
    """Return the manifest, the config and the tensors of a saved folder, after checking what can be checked.

    Raises ArtifactError when it is not such a folder, was written by a newer version, or was changed since.
    """
    manifest = _object(folder, MANIFEST, _bytes(folder, MANIFEST))
    if manifest.get("format") != FORMAT:
        raise ArtifactError(
            f"{folder}: has format {manifest.get('format')!r}, this Quark Core reads {FORMAT}; "
            "use the version that wrote it"
        )
    config, tensors = (_checked(folder, name, manifest) for name in (CONFIG, TENSORS))
    try:
        entries = load_tensors(tensors)
    except SafetensorError as error:
        raise ArtifactError(f"{folder / TENSORS}: {error}") from error
    return manifest, _object(folder, CONFIG, config), entries


def _checked(folder: Path, name: str, manifest: Mapping[str, Any]) -> bytes:
    data = _bytes(folder, name)
    hashes = manifest.get("sha256")
    if not isinstance(hashes, dict) or hashes.get(name) != _sha256(data):
        raise ArtifactError(
            f"{folder / name}: does not match the manifest's sha256; the file was changed or is damaged"
        )
    return data


def _bytes(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise ArtifactError(f"{folder}: is not a folder that Quark Core saved ({name}: {error.strerror})") from error


def _object(folder: Path, name: str, data: bytes) -> dict[str, Any]:
    loads: Callable[[bytes], Any] = json.loads
    try:
        value = loads(data)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{folder / name}: is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ArtifactError(f"{folder / name}: should hold a JSON object")
    return value
