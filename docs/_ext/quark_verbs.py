"""``{quark-verbs}``: every verb of the command line with its arguments and options, read from the click commands."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click
from docutils import nodes
from markdown import code, prose, table
from sections import section
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from quark_core.cli.app import app as command_line


def verbs(group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command, click.Context]]:
    """Yield each verb and each verb of a verb: its whole name, its command, and the context that it is read in."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            raise ValueError(f"{context.command_path} lists {name!r}, but has no such verb")
        inner = click.Context(command, info_name=name, parent=context, **command.context_settings)
        yield inner.command_path, command, inner
        if isinstance(command, click.Group):
            yield from verbs(command, inner)


def paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs of a help text; those that click is told not to wrap stay as they are."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if paragraph.startswith("\b"):
            yield "```text\n" + paragraph.removeprefix("\b").strip("\n") + "\n```"
        else:
            yield prose(paragraph)


def described(command: click.Command, context: click.Context) -> str:
    """Return a verb as Markdown: what it does, how it is called, its options."""
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    options = [_option(param, context) for param in command.get_params(context) if isinstance(param, click.Option)]
    arguments = [p for p in command.get_params(context) if isinstance(p, click.Argument)]
    choices = [
        f"`{p.make_metavar(context)}`: one of {', '.join(map(code, p.type.choices))}."
        for p in arguments
        if isinstance(p.type, click.Choice)
    ]
    head = ("option", "default", "meaning")
    return "\n\n".join(
        [*paragraphs(command.help or ""), f"```text\n{usage}\n```", *choices, table(head, options) if options else ""]
    )


def _option(option: click.Option, context: click.Context) -> tuple[str, str, str]:
    flag = option.is_flag or option.count
    names = ", ".join(code(f"{name}" if flag else f"{name} {option.make_metavar(context)}") for name in option.opts)
    shown = option.get_default(context)
    said = isinstance(shown, str | int | float) and not isinstance(shown, bool) and not option.multiple
    return names, code(shown) if said else "", prose(option.help or "")


class Verbs(SphinxDirective):
    """Every verb, a section each."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        root = click.Context(command_line, info_name="quark", **command_line.context_settings)
        found = [("quark", command_line, root), *verbs(command_line, root)]
        return [section(self, name.replace(" ", "-"), name, described(command, ctx)) for name, command, ctx in found]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("quark-verbs", Verbs)
    return {"parallel_read_safe": True}
