"""What ``quantize`` and ``load`` return."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from quark_core.config.models import QuantConfig
from quark_core.engine.report import Report
from quark_core.plugin.options import Options
from quark_core.plugin.plan import Plan
from quark_core.registry import Registry


@dataclass(frozen=True)
class Result:
    """A quantized model and how it came to be."""

    model: nn.Module
    """In eval mode; computes in floating point on quantized values."""
    lowered: nn.Module | None
    """What really executes on the device, where that was asked for."""
    plan: Plan
    report: Report
    config: QuantConfig
    data_sha256: str | None
    """Digest of the batches that were run, or None."""
    registry: Registry
    device: Options
    """The device's options with nothing left open."""
    inputs: Any = None
    """Shapes and dtypes of the first batch, as JSON, for modes that trace when a model is loaded."""

    def save(self, folder: str | Path, *, architecture: str | None = None) -> Path:
        """Write ``model.safetensors``, ``config.json`` and ``manifest.json`` into ``folder`` and return it.

        ``architecture`` is ``package.module:function``, which makes the float network; it is noted down, for people.
        The folder appears whole or not at all; one that ``save`` wrote is replaced. The same config, model and data
        give the same bytes. Raises ArtifactError.
        """
        from quark_core.engine.artifact import write

        return write(self, Path(folder), architecture)
