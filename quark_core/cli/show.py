"""``quark show``: everything about one extension."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator

import click

from quark_core.cli.capabilities import capability_lines
from quark_core.cli.completing import extension_names
from quark_core.cli.option_words import allowed
from quark_core.config.rules import join_words
from quark_core.plugin.formats import format_words
from quark_core.plugin.options import Options
from quark_core.plugin.specs import DeviceSpec, DtypeSpec, ObserverSpec, Spec
from quark_core.registry import KINDS, installed
from quark_core.table import table


@click.command("show")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name", required=False, shell_complete=extension_names)
def command(kind: str, name: str | None) -> None:
    """Show what NAME of KIND is, who adds it and which options it has; without NAME, list what there is."""
    registry = installed()
    if name is None:
        specs = registry.specs(kind)
        click.echo(
            table((kind, "what", "plugin"), [(n, s.summary, registry.owner(kind, n).name) for n, s in specs.items()])
        )
        return
    spec = registry.get(kind, name)
    owner = registry.owner(kind, name)
    click.echo(f"{kind} {name}, from plugin {owner.name} ({owner.dist})\n")
    for line in _describe(spec):
        click.echo(line)


def _describe(spec: Spec) -> Iterator[str]:
    if isinstance(spec, DtypeSpec):
        yield from (spec.summary, "")
        yield from _dtype(spec)
        return
    yield inspect.getdoc(spec.options) or ""
    options = [name for name in spec.options.model_fields if name != "name"]
    yield from ("", table(("option", "default", "allowed", "what"), list(_options(spec.options)))) if options else ()
    if isinstance(spec, ObserverSpec) and spec.formats is not None:
        yield from ("", f"for {join_words(format_words(spec.formats))} formats only")
    if isinstance(spec, DeviceSpec):
        yield from ("", *capability_lines(spec))


def _dtype(spec: DtypeSpec) -> Iterator[str]:
    yield f"format: {spec.format}"
    if not spec.scaled:
        yield "a plain cast: no scheme, scale or observer"
        return
    yield f"qscheme: {', '.join(spec.allowed_qschemes)}"
    yield f"scale_type: {', '.join(spec.allowed_scale_types)}"
    yield f"symmetric: {'always' if spec.only_symmetric else 'true or false'}"
    if spec.group_size is not None:
        yield f"group_size: {spec.group_size}"


def _options(options: type[Options]) -> Iterator[tuple[str, str, str, str]]:
    schema = options.model_json_schema()
    for name, field in schema["properties"].items():
        if name != "name":
            default = "required" if name in schema.get("required", ()) else json.dumps(field.get("default"))
            words = allowed(field, schema.get("$defs", {}))
            yield name, default, words, " ".join(field.get("description", "").split())
