"""Quantizes the digits network as one of the demo's configs says, saves it, loads it again and compares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from quark_core.config.load import load_config
from quark_core.demo.network import DigitsNet, calibration_batches, digits, digits_net
from quark_core.engine.loading import load
from quark_core.engine.pipeline import quantize
from quark_core.engine.report import Report, decibels
from quark_core.errors import ArtifactError

_FOLDER = Path(__file__).parent / "configs"
CONFIGS = {name: _FOLDER / f"{name}.yaml" for name in ("int8", "int4_group32", "fp8", "mx")}
ARCHITECTURE = "quark_core.demo.network:digits_net"


@dataclass(frozen=True)
class Outcome:
    """What one config did to the network."""

    name: str
    accuracy: float
    report: Report

    def row(self) -> tuple[str, ...]:
        """Return the line of the summary."""
        coverage = self.report.coverage
        return (
            self.name,
            f"{self.accuracy:.3f}",
            decibels(self.report.output_sqnr_db),
            f"{self.report.float_bytes} -> {self.report.stored_bytes}",
            f"{100 * coverage.quantized_parameters / coverage.parameters:.1f}%",
            "same bits",
        )


def accuracy(model: nn.Module) -> float:
    """Return the share of held-out digits that ``model`` reads right."""
    images, labels = digits("test")
    with torch.no_grad():
        return float((model(images).argmax(1) == labels).float().mean())


def float_accuracy() -> float:
    """Return the accuracy of the float network."""
    return accuracy(digits_net())


def run(name: str, out: Path) -> Outcome:
    """Do the main job for one config; raises ArtifactError when the loaded model differs in a single bit."""
    result = quantize(digits_net(), load_config(CONFIGS[name]), calibration=calibration_batches())
    result.save(out, architecture=ARCHITECTURE)
    loaded = load(out, DigitsNet())
    images = digits("test")[0]
    with torch.no_grad():
        if not torch.equal(loaded(images), result.model(images)):
            raise ArtifactError(f"{out}: the loaded model computes something else than the saved one")
    return Outcome(name, accuracy(result.model), result.report)
