"""Every command that a page tells to type exists, with the arguments and options that the page gives it."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from quark_core.cli.app import app
from tests.docs.pages import PAGES, ROOT, commands, name_of

QUARK = [(page, command) for page in PAGES for command in commands(page) if command.startswith("quark ")]


def parse(words: list[str]) -> click.Context:
    """Parse a command line as ``quark`` would, without running it; raises click.UsageError."""
    context, command, rest = (
        click.Context(app, info_name="quark"),
        app.get_command(click.Context(app), words[1]),
        words[2:],
    )
    if command is None:
        raise click.UsageError(f"quark has no verb {words[1]!r}")
    name = words[1]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        context = click.Context(command, info_name=name, parent=context)
        name, inner = rest[0], command.get_command(context, rest[0])
        if inner is None:
            raise click.UsageError(f"quark {command.name} has no verb {name!r}")
        command, rest = inner, rest[1:]
    return command.make_context(name, list(rest), parent=context)


@pytest.mark.parametrize(("page", "command"), QUARK, ids=[f"{name_of(page)}: {command}" for page, command in QUARK])
def test_the_command_can_be_typed(page: Path, command: str) -> None:
    assert parse(shlex.split(command)).info_name in command.split()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("quark validat x.yaml", "no verb 'validat'"),
        ("quark plan x.yaml --modle m:f", "--modle"),
        ("quark show dtypes", "'dtypes' is not one of"),
        ("quark plugins nwe acme", "no verb 'nwe'"),
    ],
)
def test_a_wrong_command_would_be_found(line: str, why: str) -> None:
    with pytest.raises(click.UsageError, match=re.escape(why)):
        parse(shlex.split(line))


def _mentioned() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for verb in re.findall(r"`quark ([a-z][\w-]*)(?=[ `])", page.read_text(encoding="utf-8")):
            yield name_of(page), verb


def test_verbs_in_the_text_exist() -> None:
    known = app.list_commands(click.Context(app))
    assert sorted({(page, verb) for page, verb in _mentioned() if verb not in known}) == []


def test_make_builds_the_site() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "sphinx-build -W --keep-going -b html docs build/docs" in makefile
    assert re.search(r"^\.PHONY:.*\bdocs\b", makefile, re.MULTILINE)
