"""``quark schema``: the JSON Schema of config files, printed, or tied to config files for an editor."""

from __future__ import annotations

from pathlib import Path

import click

from quark_core.atomic import replace_file
from quark_core.config.schema import published_text, schema_text
from quark_core.editors.files import write_all
from quark_core.editors.globs import DEFAULT, checked
from quark_core.editors.jetbrains import jetbrains_files
from quark_core.editors.modeline import modeline_files
from quark_core.editors.vscode import vscode_files
from quark_core.errors import UsageError
from quark_core.registry import installed

_PROJECTS = {"vscode": vscode_files, "jetbrains": jetbrains_files}
_EDITORS = (*_PROJECTS, "modeline")


@click.command("schema")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file.")
@click.option(
    "--published", is_flag=True, help="What everybody shares: the bundled plugins, and open to names of any plugin."
)
@click.option("--install", "editor", type=click.Choice(_EDITORS), help="Tie config files to it, for an editor.")
@click.option("--glob", "globs", multiple=True, help="Which files are configs, such as 'configs/*.yaml'; repeatable.")
def command(
    *, paths: tuple[Path, ...], out: Path | None, published: bool, editor: str | None, globs: tuple[str, ...]
) -> None:
    """Print the JSON Schema of config files, with everything that the installed plugins add.

    --install vscode and --install jetbrains write the schema into the project folder PATH (by default this one) and
    tie files called quark.yaml or *.quark.yaml to it, likewise .yml, .json and .toml; what else the editor's settings
    hold stays as it is. --install modeline writes it beside each config file PATH, or to --out, and names it in the
    file's first line. Run it again after a plugin was installed.
    """
    _check(paths, out, editor, globs)
    text = published_text() if published else schema_text(installed())
    for plugin in () if published else installed().broken():
        click.echo(f"warning: the schema lacks what is broken: {plugin.error}", err=True)
    if editor == "modeline":
        _say(modeline_files(paths, text, out))
    elif editor:
        chosen = checked(globs) or DEFAULT
        _say(
            {p: d for folder in paths or (Path(),) for p, d in _PROJECTS[editor](_folder(folder), text, chosen).items()}
        )
    elif out is None:
        click.echo(text, nl=False)
    else:
        _write(out, text)


def _check(paths: tuple[Path, ...], out: Path | None, editor: str | None, globs: tuple[str, ...]) -> None:
    if editor is None and paths:
        raise UsageError(f"{paths[0]}: a path needs --install; to write the schema to a file, use --out")
    if editor == "modeline" and not paths:
        raise UsageError("--install modeline: name the config files that it is for")
    if globs and editor not in _PROJECTS:
        raise UsageError("--glob is for --install vscode and --install jetbrains")
    if out and editor in _PROJECTS:
        raise UsageError(f"--out: --install {editor} has a place of its own for the schema; leave --out away")


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise UsageError(f"{path}: is not a folder; name the project's folder")
    return path


def _say(files: dict[Path, bytes]) -> None:
    for line in write_all(files):
        click.echo(line)


def _write(out: Path, text: str) -> None:
    try:
        replace_file(out, text.encode())
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror or error}") from error
    click.echo(f"wrote {out}")
