"""``quark migrate``: brings config files of older versions to the current one, without torch and without a model."""

from __future__ import annotations

from pathlib import Path

import click

from quark_core.config.load import check_file
from quark_core.config.migration.files import Migration, migration
from quark_core.config.migration.steps import shipped
from quark_core.errors import QuarkError


@click.command("migrate")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 when a file would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print the changes as a unified diff.")
@click.pass_context
def command(ctx: click.Context, files: tuple[Path, ...], check: bool, diff: bool) -> None:
    """Rewrite config FILES of an older version in the current one; comments and layout stay.

    Exit code 1 when a file cannot be migrated or still has faults.
    """
    done = [_one(file, check=check, diff=diff) for file in files]
    ctx.exit(0 if all(done) else 1)


def _one(file: Path, *, check: bool, diff: bool) -> bool:
    try:
        found = migration(file)
        if not (check or diff):
            return _migrated(found)
    except QuarkError as error:
        # The other files have their turn all the same.
        click.echo(f"{error}\n")
        return False
    if diff:
        click.echo(found.diff(), nl=False)
        return not (check and found.changes)
    click.echo(f"{file}: would be migrated {_from_to(found)}" if found.changes else _already(file))
    return not found.changes


def _migrated(found: Migration) -> bool:
    if not found.changes:
        click.echo(_already(found.path))
        return True
    found.write()
    click.echo(f"{found.path}: migrated {_from_to(found)}")
    for step in found.text.steps:
        if step.why:
            click.echo(f"  version {step.version + 1}: {step.why}")
    problems = check_file(found.path)
    for problem in problems:
        click.echo(f"{problem}\n")
    return not problems


def _already(file: Path) -> str:
    return f"{file}: already version {shipped().current}"


def _from_to(found: Migration) -> str:
    return f"from version {found.text.version} to {shipped().current}"
