"""What the shell offers in place of an argument, from the plugins that are installed."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from quark_core.registry import KINDS, installed


def names_starting(kind: str, start: str) -> list[CompletionItem]:
    """Return the names of a kind of extension that begin with ``start``, each with its summary."""
    specs = installed().specs(kind).items()
    return [CompletionItem(name, help=spec.summary or None) for name, spec in specs if name.startswith(start)]


def extension_names(ctx: click.Context, param: click.Parameter, start: str) -> list[CompletionItem]:
    """Return the names of the kind that the argument ``kind`` of the same command says."""
    del param
    kind = ctx.params.get("kind")
    return names_starting(kind, start) if kind in KINDS else []
