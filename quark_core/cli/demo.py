"""``quark demo``: the main job on a real network, with nothing to prepare."""

from __future__ import annotations

from pathlib import Path

import click

from quark_core.table import table


@click.command("demo")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo-out"),
    show_default=True,
    help="Folder for the saved models.",
)
def command(out: Path) -> None:
    """Quantize a small digits network four ways, report, save, load again and check."""
    from quark_core.demo.run import CONFIGS, Outcome, float_accuracy, run

    before = float_accuracy()
    click.echo(f"digits network in float32: {before:.3f} of held-out digits right")
    outcomes: list[Outcome] = []
    for name in CONFIGS:
        outcome = run(name, out / name)
        click.echo(f"\n== {name} ==\n\n{outcome.report}")
        outcomes.append(outcome)
    click.echo(f"\n== summary: accuracy {before:.3f} before ==\n")
    head = ("config", "accuracy", "output SQNR dB", "bytes", "parameters quantized", "loaded again")
    click.echo(table(head, [outcome.row() for outcome in outcomes]))
    click.echo(f"\nsaved to {out}; the configs are in {CONFIGS['int8'].parent}")
