"""``quark validate``: checks config files, without torch and without a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from quark_core.config.load import check_file
from quark_core.errors import Problem

Found = Sequence[tuple[Path, tuple[Problem, ...]]]


@click.command("validate")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="How faults are printed.",
)
@click.pass_context
def command(ctx: click.Context, files: tuple[Path, ...], style: str) -> None:
    """Check config FILES; exit code 1 when any has a fault."""
    found = [(file, check_file(file)) for file in files]
    {"text": _text, "json": _json, "github": _github}[style](found)
    ctx.exit(1 if any(problems for _, problems in found) else 0)


def _text(found: Found) -> None:
    for file, problems in found:
        for problem in problems:
            click.echo(f"{problem}\n")
        if not problems:
            click.echo(f"{file}: ok")
    faults = sum(len(problems) for _, problems in found)
    if faults:
        wrong = sum(bool(problems) for _, problems in found)
        click.echo(f"{faults} fault{'s' * (faults > 1)} in {wrong} of {len(found)} file{'s' * (len(found) > 1)}")


def _json(found: Found) -> None:
    rows = [
        {
            "file": str(file),
            "line": problem.place.line if problem.place else None,
            "column": problem.place.column if problem.place else None,
            "path": problem.dotted,
            "code": problem.code,
            "message": problem.message,
            "fix": problem.fix,
        }
        for file, problems in found
        for problem in problems
    ]
    click.echo(json.dumps(rows, indent=2, ensure_ascii=False))


def _github(found: Found) -> None:
    for file, problems in found:
        for problem in problems:
            where = f"file={_property(str(file))}"
            if problem.place:
                where += f",line={problem.place.line},col={problem.place.column}"
            text = problem.message + (f"\nfix: {problem.fix}" if problem.fix else "")
            click.echo(f"::error {where},title={_property(problem.code)}::{_data(text)}")


def _data(text: str) -> str:
    # https://docs.github.com/actions/reference/workflow-commands: what must be escaped in a message
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
