"""Short calls for the tests of the CPU."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from quark_core import QuantConfig, Result, quantize
from quark_core.engine.sqnr import Sqnr

ROWS8: dict[str, Any] = {"dtype": "int8", "qscheme": "per_channel"}
INT8: dict[str, Any] = {"dtype": "int8"}
UINT8: dict[str, Any] = {"dtype": "uint8", "symmetric": False}
MODES = ("eager_mode", "fx_graph_mode")


def lowered(model: nn.Module, *batches: Any, **parts: Any) -> Result:
    """Quantize ``model`` and lower it."""
    return quantize(model, QuantConfig.model_validate(parts), calibration=batches or None, lower=True, progress=False)


def outputs(result: Result, *inputs: Any) -> tuple[Tensor, Tensor]:
    """Return what the quantized and the lowered model make of the same inputs."""
    assert result.lowered is not None
    with torch.no_grad():
        return result.model(*inputs), result.lowered(*inputs)


def decibels(exact: Tensor, changed: Tensor) -> float:
    """Return the signal to noise ratio of ``changed``."""
    sqnr = Sqnr()
    sqnr.add(exact, changed)
    assert sqnr.db is not None
    return sqnr.db


def paths(result: Result) -> dict[str, str]:
    """Return how each layer computes."""
    return {layer.name: layer.path for layer in result.report.layers}


def reasons(result: Result) -> dict[str, str]:
    """Return with what, or why not in a kernel."""
    return {layer.name: layer.why for layer in result.report.layers}


def held_bytes(model: nn.Module) -> int:
    """Return the size of the parameters and buffers of a model, each memory once."""
    storages = {t.data_ptr(): t.untyped_storage() for t in (*model.parameters(), *model.buffers())}
    return sum(storage.nbytes() for storage in storages.values())
