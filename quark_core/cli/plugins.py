"""``quark plugins``: what is installed, what each plugin adds, what is broken and why; and verbs for authors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain

import click

from quark_core.cli.plugins_check import command as check_command
from quark_core.cli.plugins_new import command as new_command
from quark_core.plugin.missing import missing_code
from quark_core.registry import KINDS, Plugin, installed
from quark_core.table import table

_SLOW = 0.5
"""Seconds of reading from which on a plugin is called slow."""


@click.group("plugins", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List plugins; exit code 1 when one is broken. Or make a new one, or check one.

    QUARK_PLUGINS=a,b lets in only these, QUARK_DISABLE_PLUGINS=a,b all but these.
    """
    if ctx.invoked_subcommand is not None:
        return
    plugins = installed().plugins
    if as_json:
        click.echo(json.dumps([_row(plugin) for plugin in plugins], indent=2, ensure_ascii=False))
    else:
        click.echo(table(("plugin", "distribution", "adds"), [(p.name, p.dist, _adds(p)) for p in plugins]))
        for found in installed().kept_out:
            click.echo(f"\nkept out by {found.kept_out_by}: {found.name} ({found.dist})", err=True)
        for line in chain.from_iterable(_remarks(plugin) for plugin in plugins):
            click.echo(f"\n{line}", err=True)
    ctx.exit(1 if any(plugin.error or _missing(plugin) for plugin in plugins) else 0)


command.add_command(new_command)
command.add_command(check_command)


def _remarks(plugin: Plugin) -> Iterator[str]:
    who = f"plugin {plugin.name!r} ({plugin.dist})"
    if plugin.error:
        yield f"broken: {plugin.error}"
    yield from (f"broken: {who}: {text}" for text in _missing(plugin))
    if plugin.seconds > _SLOW:
        yield f"slow: {who} took {plugin.seconds:.1f} s to read; 'quark plugins check {plugin.name}' says why"


def _missing(plugin: Plugin) -> list[str]:
    found = ((kind, name, missing_code(installed().get(kind, name))) for kind, name in plugin.adds)
    return [f"{kind} {name!r}: {text}" for kind, name, text in found if text]


def _adds(plugin: Plugin) -> str:
    if plugin.error:
        return "nothing: it is broken"
    texts = [f"{kind}: {', '.join(n for k, n in plugin.adds if k == kind)}" for kind in KINDS]
    return "; ".join(text for text in texts if not text.endswith(": "))


def _row(plugin: Plugin) -> dict[str, object]:
    return {
        "name": plugin.name,
        "distribution": plugin.dist,
        "bundled": plugin.bundled,
        "adds": [{"kind": kind, "name": name} for kind, name in plugin.adds],
        "error": plugin.error.message if plugin.error else None,
        "missing": _missing(plugin),
        "seconds": round(plugin.seconds, 3),
    }
