"""How long editors take with many plugins: the engines of VS Code and others, with the bundled schema and a large one.

    python -m benchmarks.editor --plugins 200 --rounds 21

Loading ends with the first diagnostics of a file of one line. An answer is then everything that an editor shows of a
document: its diagnostics, the completions at one place and the hover text there. The first meets cold code; the later
ones, of which the median stands, are what typing costs. Needs Node.js 20 or later.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from benchmarks.tables import publish
from quark_core.config.schema import config_schema
from tests.contract.acme import bundled_registry
from tests.editor.install import installed_engines
from tests.editor.schemas import many_plugins

COLUMNS = ("engine", "what", "bundled ms", "many ms", "many / bundled")
ENGINES = {"yaml": "yaml-language-server", "json": "vscode-json-languageservice", "toml": "taplo"}
Figures = dict[str, Any]

FIGURES: dict[str, Callable[[Figures], float]] = {
    "load": lambda one: float(one["load"]),
    "first answer": lambda one: float(one["first"]),
    "later answer": lambda one: statistics.median(one["later"]),
    "slowest later": lambda one: max(one["later"]),
}
TEXTS = {
    "yaml": """\
version: 1
weight: {dtype: int8, qscheme: per_channel}
input:
  dtype: |>int9
  observer: {name: percentile, percentile: 99.9}
layers:
  - match: LAYER
    weight: {dtype: int4, qscheme: per_group, group_size: 32}
exclude: [fc2]
""",
    "json": """\
{
  "version": 1,
  "weight": {"dtype": "int8", "qscheme": "per_channel"},
  "input": {"dtype": |>"int9", "observer": {"name": "percentile", "percentile": 99.9}},
  "layers": [{"match": "LAYER", "weight": {"dtype": "int4", "qscheme": "per_group", "group_size": 32}}],
  "exclude": ["fc2"]
}
""",
    "toml": """\
version = 1
weight = { dtype = "int8", qscheme = "per_channel" }
exclude = ["fc2"]

[input]
dtype = "in|>t9"
observer = { name = "percentile", percentile = 99.9 }

[[layers]]
match = "LAYER"
weight = { dtype = "int4", qscheme = "per_group", group_size = 32 }
""",
}
"""One mistake each, at the cursor."""


@click.command()
@click.option("--plugins", default=200, show_default=True, help="Extra plugins, each with a dtype and an observer.")
@click.option("--rounds", default=21, show_default=True, help="Later answers, of which the median is taken.")
@click.option("--csv", type=click.Path(dir_okay=False, path_type=Path), help="Write every figure to this file.")
def main(plugins: int, rounds: int, csv: Path | None) -> None:
    """Print four lines for each engine."""
    schemas = {"bundled": config_schema(bundled_registry()), "many": config_schema(many_plugins(plugins))}
    for name, schema in schemas.items():
        print(f"{name}: {len(json.dumps(schema)) / 1000:.0f} kB")
    lines: list[dict[str, str]] = []
    for engine in TEXTS:
        # Each in a process of its own: what one has warmed up, the other would gain from.
        bundled, many = (_ask(engine, schema, rounds) for schema in schemas.values())
        lines += _lines(ENGINES[engine], bundled, many)
    publish(COLUMNS, lines, csv)


def _ask(engine: str, schema: Any, rounds: int) -> Figures:
    request = {"engine": engine, "schema": schema, "text": TEXTS[engine], "rounds": rounds}
    said = subprocess.run(  # noqa: S603 - our own script
        ["node", str(Path(__file__).with_name("editor.mjs"))],  # noqa: S607 - the node that the engines were installed for
        input=json.dumps(request),
        env={**os.environ, "QUARK_NODE_MODULES": str(installed_engines())},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    figures: Figures = json.loads(said.stdout)
    return figures


def _lines(engine: str, bundled: Figures, many: Figures) -> Iterator[dict[str, str]]:
    for what, of in FIGURES.items():
        few, lot = of(bundled), of(many)
        cells = (engine, what, f"{few:.1f}", f"{lot:.1f}", f"{lot / few:.1f}")
        yield dict(zip(COLUMNS, cells, strict=True))


if __name__ == "__main__":
    main()
