"""A small outline made by hand, and configs with and without a file, for tests that need no torch."""

from pathlib import Path
from typing import Any

import pytest

from quark_core.config.load import load_config
from quark_core.config.models import QuantConfig
from quark_core.errors import PlanError, Problem
from quark_core.plan import make_plan
from quark_core.plugin.outline import LayerOutline, Outline, TensorOutline
from quark_core.plugin.plan import Plan

INT8 = {"dtype": "int8"}


def linear(
    name: str, rows: int, columns: int, *, types: tuple[str, ...] = ("Linear",), storage: str = "", elements: int = -1
) -> LayerOutline:
    """Return a linear layer without bias."""
    size = rows * columns if elements < 0 else elements
    weight = TensorOutline(
        "weight", "weight", (rows, columns), group_axis=1, storage=storage or f"{name}.weight", elements=size
    )
    activation = TensorOutline("input", "input", channel_axis=-1, group_length=columns)
    return LayerOutline(name, types, (weight, activation), size)


NET = Outline(
    (
        LayerOutline("", ("Net",)),
        LayerOutline("body", ("Sequential",)),
        linear("body.0", 8, 32, types=("MyLinear", "Linear")),
        LayerOutline("body.1", ("ReLU",)),
        linear("body.2", 8, 8),
        LayerOutline("bodyguard", ("LayerNorm",), parameters=16, unsupported="LayerNorm has no quantized form"),
        linear("head", 10, 8),
    )
)


def config(**parts: Any) -> QuantConfig:
    """Return a config."""
    return QuantConfig.model_validate(parts)


def from_file(folder: Path, text: str) -> QuantConfig:
    """Return a config that was read from ``net.yaml``."""
    path = folder / "net.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def plan(outline: Outline = NET, **parts: Any) -> Plan:
    """Return a plan."""
    return make_plan(config(**parts), outline)


def faults(made: QuantConfig, outline: Outline = NET) -> tuple[Problem, ...]:
    """Return the problems of a config that does not fit."""
    with pytest.raises(PlanError) as caught:
        make_plan(made, outline)
    return caught.value.problems


def keys(made: Plan) -> list[str]:
    """Return the planned tensors."""
    return [tensor.key for tensor in made.tensors()]
