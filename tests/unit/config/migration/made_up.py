"""Steps that never were, to try every edit on configs of version 1."""

from __future__ import annotations

from typing import Any

from quark_core.config.migration.edits import Default, Edit, Move, Remove, Rename, Replace
from quark_core.config.migration.steps import History, Step


def doubled(value: Any) -> Any:
    """Return twice a number of batches; anything else as it is."""
    return value * 2 if isinstance(value, int) else value


EDITS: tuple[Edit, ...] = (
    Rename("weight", "weights"),
    Rename("*.dtype", "format"),
    Rename("layers[*].*.dtype", "number format"),
    Rename("layers[*].match", "which"),
    Rename("layers", "overrides"),
    Replace("*.scale_type", {"pof2": "power of two", "float": "free"}),
    Replace("layers[*].skip[*]", {"input": "inputs", "bias": "no"}),
    Replace("calibration.batches", doubled),
    Replace("layers[*].*.symmetric", {True: "yes", False: "no"}),
    Replace("device", {"CPU": {"name": "CPU", "threads": [1, 2.5]}, "IPU": "dpu"}),
    Replace("weight", sorted),
    Replace("calibration", lambda value: [{"shots": 3}, value]),
    Replace("layers[*].weight", lambda value: {"was": value}),
    Remove("*.observer"),
    Remove("calibration.batches"),
    Remove("calibration"),
    Remove("verify.*"),
    Remove("layers[*].*"),
    Remove("layers[*].match"),
    Remove("weight.dtype"),
    Remove("exclude"),
    Move("calibration.batches", "batches"),
    Move("*.dtype", "dtypes.*"),
    Move("weight.round_method", "weight.rounding.method"),
    Move("layers[*].weight.dtype", "layers[*].dtype"),
    Move("layers[*].*.symmetric", "layers[*].*.zero.point"),
    Move("input", "activations.input"),
    Move("verify", "calibration.verify"),
    Default("calibration", {"batches": 32}),
    Default("calibration.batches", 32),
    Default("weight.symmetric", value=True),
    Default("layers[*].skip", []),
    Default("layers[*].*.observer", {"name": "percentile", "percentile": 99.5}),
    Default("tags", ["a b", "é\n", "no"]),
)
HISTORY = History(
    (
        Step(
            1,
            (
                Rename("*.dtype", "format"),
                Replace("*.scale_type", {"pof2": "power"}),
                Remove("calibration.batches"),
                Move("weight.observer", "observers.weight"),
                Default("weight.symmetric", value=True),
            ),
            "dtype is called format",
        ),
        Step(2, (Rename("weight", "w"), Move("layers[*].skip", "layers[*].not.quantized"))),
    ),
    3,
)
