"""``quark plugins new``: a distribution of one's own, which installs and passes its tests as it is."""

from __future__ import annotations

from pathlib import Path

import click

from quark_core.registry import KINDS
from quark_core.scaffold import new_plugin


@click.command("new")
@click.argument("name")
@click.option(
    "--kind",
    "kinds",
    type=click.Choice(KINDS),
    multiple=True,
    required=True,
    help="What it adds; give it several times for several.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Its folder.  [default: quark-NAME]")
def command(name: str, kinds: tuple[str, ...], out: Path | None) -> None:
    """Write a plugin NAME to start from: manifest, code, tests, a config, README and a CI workflow."""
    folder, files = new_plugin(name, kinds, out)
    click.echo("\n".join(f"wrote {(folder / file).as_posix()}" for file in files))
    click.echo(f"\nnext: cd {folder} && pip install -e '.[test]' && pytest && quark plugins check {name}")
