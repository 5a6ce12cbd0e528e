"""``quark plan``: what a config does to a model, tensor by tensor, before anything runs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from quark_core.config.load import load_config
from quark_core.plugin.plan import Plan
from quark_core.table import table


@click.command("plan")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--model", required=True, help="package.module:function, or a folder that Quark Core saved.")
@click.option("--data", help="An .npz or .safetensors file, or package.module:function; its first batch is traced.")
@click.option("--architecture", help="For a saved folder: package.module:function that makes the float network.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(config: Path, model: str, data: str | None, architecture: str | None, as_json: bool) -> None:
    """Show which tensors CONFIG quantizes, how, and which rule says so."""
    loaded = load_config(config)
    from quark_core.cli.refs import data_from, model_from
    from quark_core.engine.pipeline import make_mode, own_copy
    from quark_core.plan import make_plan
    from quark_core.registry import current

    inputs = _first(data_from(data, 2)) if data else None
    outline = make_mode(loaded, current()).outline(own_copy(model_from(model, architecture)), inputs)
    plan = make_plan(loaded, outline)
    click.echo(json.dumps(_plain(plan), indent=2, ensure_ascii=False) if as_json else _text(plan))


def _first(data: Iterable[Any]) -> Any:
    from quark_core.engine.batches import batches_of, example_inputs

    return next((example_inputs(batch) for batch in batches_of(data, 1)), None)


def _text(plan: Plan) -> str:
    rows = [(t.key, t.role, _shape(t.shape), t.settings.describe(), str(t.origin)) for t in plan.tensors()]
    parts = [table(("tensor", "role", "shape", "quantized as", "by"), rows)]
    kept = [(layer.name or "(root)", layer.type, layer.reason) for layer in plan.layers if layer.reason]
    if kept:
        parts.append(table(("left in float", "class", "why"), kept))
    return "\n\n".join([*parts, f"coverage: {plan.coverage}"])


def _shape(shape: tuple[int, ...] | None) -> str:
    return "x".join(map(str, shape)) if shape else "-"


def _plain(plan: Plan) -> dict[str, object]:
    tensors = [
        {
            "tensor": t.key,
            "layer": t.layer,
            "role": t.role,
            "shape": list(t.shape) if t.shape else None,
            "settings": t.settings.describe(),
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
    return {"tensors": tensors, "left_float": kept, "coverage": coverage}
