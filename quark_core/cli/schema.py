"""``quark schema``: the JSON Schema of config files, for editors."""

from pathlib import Path

import click

from quark_core.config.schema import published_text, schema_text
from quark_core.errors import UsageError
from quark_core.registry import installed


@click.command("schema")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file.")
@click.option(
    "--published", is_flag=True, help="What everybody shares: the bundled plugins, and open to names of any plugin."
)
def command(out: Path | None, published: bool) -> None:
    """Print the JSON Schema of config files, with everything that the installed plugins add."""
    text = published_text() if published else schema_text(installed())
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror or error}") from error
    click.echo(f"wrote {out}")
