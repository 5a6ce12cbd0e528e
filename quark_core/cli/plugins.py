"""``quark plugins``: what is installed, what each plugin adds, what is broken and why."""

from __future__ import annotations

import json

import click

from quark_core.registry import KINDS, Plugin, installed
from quark_core.table import table


@click.command("plugins")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List plugins; exit code 1 when one is broken.

    QUARK_PLUGINS=a,b lets in only these, QUARK_DISABLE_PLUGINS=a,b all but these.
    """
    plugins = installed().plugins
    if as_json:
        click.echo(json.dumps([_row(plugin) for plugin in plugins], indent=2, ensure_ascii=False))
    else:
        click.echo(table(("plugin", "distribution", "adds"), [(p.name, p.dist, _adds(p)) for p in plugins]))
        for found in installed().kept_out:
            click.echo(f"\nkept out by {found.kept_out_by}: {found.name} ({found.dist})", err=True)
        for plugin in plugins:
            if plugin.error:
                click.echo(f"\nbroken: {plugin.error}", err=True)
    ctx.exit(1 if any(plugin.error for plugin in plugins) else 0)


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
    }
