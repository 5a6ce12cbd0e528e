"""``quark plan``: what a config does to a model, tensor by tensor, before anything runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quark_core.config.condition import plain
from quark_core.config.load import load_config
from quark_core.config.models import QuantConfig
from quark_core.errors import UsageError
from quark_core.plugin.adjustment import Adjustment
from quark_core.plugin.plan import Plan, TensorPlan
from quark_core.plugin.protocols import Drawable, ExampleInputs, Mode
from quark_core.table import counted, table

if TYPE_CHECKING:
    from torch import nn


@click.command("plan")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--model", required=True, help="package.module:function, or a folder that Quark Core saved.")
@click.option("--data", help="An .npz or .safetensors file, or package.module:function; its first batch is traced.")
@click.option("--architecture", help="For a saved folder: package.module:function that makes the float network.")
@click.option("--graph", type=click.Path(path_type=Path), help="Draw the graph: a file .svg, .png, .pdf or .dot.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    *, config: Path, model: str, data: str | None, architecture: str | None, graph: Path | None, as_json: bool
) -> None:
    """Show which tensors CONFIG quantizes, how, and which rule says so."""
    loaded = load_config(config)
    from quark_core.cli.refs import data_from, model_from
    from quark_core.engine.pipeline import own_copy
    from quark_core.engine.target import Target
    from quark_core.registry import current

    target = Target.of(loaded, current())
    drawing = _drawing(loaded, target.mode, graph) if graph else None
    inputs = _first(data_from(data, 2)) if data else None
    own = own_copy(model_from(model, architecture))
    plan, changes = target.plan(own, inputs)
    click.echo(json.dumps(_plain(plan, changes), indent=2, ensure_ascii=False) if as_json else _text(plan, changes))
    if drawing:
        drawing(own, plan, inputs)


def _drawing(config: QuantConfig, mode: Mode, path: Path) -> Callable[[nn.Module, Plan, ExampleInputs], None]:
    """Return what draws the graph; what stands against it is found before the long work."""
    from quark_core.cli.picture import check_drawing, draw

    if not isinstance(mode, Drawable):
        raise UsageError(f"--graph: {plain(config.mode)} has no graph to draw; use fx_graph_mode")
    check_drawing(path)

    def run(model: nn.Module, plan: Plan, inputs: ExampleInputs) -> None:
        draw(mode.picture(model, plan, inputs), path)
        click.echo(f"\ndrawn to {path}", err=True)

    return run


def _first(data: Iterable[Any]) -> Any:
    from quark_core.engine.batches import batches_of, example_inputs

    return next((example_inputs(batch) for batch in batches_of(data, 1)), None)


def _text(plan: Plan, changes: tuple[Adjustment, ...]) -> str:
    rows = [(t.key, t.role, _shape(t.shape), _quantized_as(t), str(t.origin)) for t in plan.tensors()]
    parts = [table(("tensor", "role", "shape", "quantized as", "by"), rows)]
    if changes:
        parts.append(table(("changed by the device", "from", "to", "why"), [astuple(change) for change in changes]))
    left = [layer for layer in plan.layers if layer.reason]
    # What has no parameters is an operator of the graph, which nobody looks up by its name.
    kept = counted([((x.name or "(root)", x.type, x.reason), not x.parameters) for x in left])
    if kept:
        parts.append(table(("left in float", "class", "why"), kept))
    return "\n\n".join([*parts, f"coverage: {plan.coverage}"])


def _quantized_as(tensor: TensorPlan) -> str:
    return f"= {tensor.shared}" if tensor.shared else tensor.settings.describe()


def _shape(shape: tuple[int, ...] | None) -> str:
    return "x".join(map(str, shape)) if shape else "-"


def _plain(plan: Plan, changes: tuple[Adjustment, ...]) -> dict[str, object]:
    tensors = [
        {
            "tensor": t.key,
            "layer": t.layer,
            "role": t.role,
            "shape": list(t.shape) if t.shape else None,
            "settings": t.settings.describe(),
            "shared": t.shared,
            "rule": t.origin.rule,
            "place": str(t.origin.place) if t.origin.place else None,
        }
        for t in plan.tensors()
    ]
    kept = [{"layer": layer.name, "type": layer.type, "why": layer.reason} for layer in plan.layers if layer.reason]
    found = plan.coverage
    coverage = {
        "layers": found.layers,
        "quantized_layers": found.quantized_layers,
        "parameters": found.parameters,
        "quantized_parameters": found.quantized_parameters,
    }
    changed = [asdict(change) for change in changes]
    return {"tensors": tensors, "left_float": kept, "coverage": coverage, "changes": changed}
