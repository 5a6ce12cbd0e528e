"""``quark quantize``: the main job."""

from __future__ import annotations

from pathlib import Path

import click

from quark_core.config.load import load_config
from quark_core.errors import VerificationError


@click.command("quantize")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--model", required=True, help="package.module:function, or a folder that Quark Core saved.")
@click.option("--architecture", help="For a saved folder: package.module:function that makes the float network.")
@click.option("--data", help="Calibration data: an .npz or .safetensors file, or package.module:function.")
@click.option(
    "--batch-size", type=click.IntRange(min=1), default=32, show_default=True, help="Samples per batch, for data files."
)
@click.option("--lower", is_flag=True, help="Also run it on the config's device, and report how each layer computes.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write.")
def command(
    *, config: Path, model: str, architecture: str | None, data: str | None, batch_size: int, lower: bool, out: Path
) -> None:
    """Quantize a model as CONFIG says: plan, calibrate, quantize, verify, report, save."""
    loaded = load_config(config)
    from quark_core.cli.refs import data_from, model_from
    from quark_core.engine.artifact import check_target
    from quark_core.engine.pipeline import quantize

    check_target(out)  # before the long work
    network = model_from(model, architecture)
    batches = data_from(data, batch_size) if data is not None else None
    try:
        result = quantize(network, loaded, calibration=batches, lower=lower)
    except VerificationError as error:
        click.echo(f"{error.report}\n")
        raise
    click.echo(str(result.report))
    result.save(out, architecture=architecture or model)
    click.echo(f"\nsaved to {out}")
