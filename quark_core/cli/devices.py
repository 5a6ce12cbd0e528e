"""``quark devices``: which devices there are, what they take, whether they can run here and why not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import click

from quark_core.cli.capabilities import capability_lines, plain_capabilities
from quark_core.plugin.specs import DeviceSpec
from quark_core.registry import Registry, installed, needs_options
from quark_core.table import table


@click.command("devices")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List devices, what they take, and whether they can run here; exit code 1 when one is broken.

    A device that cannot run here can be quantized for all the same.
    """
    registry = installed()
    found = [_look(spec, registry) for spec in registry.specs(DeviceSpec.kind).values() if isinstance(spec, DeviceSpec)]
    click.echo(
        json.dumps([_row(device) for device in found], indent=2, ensure_ascii=False) if as_json else _text(found)
    )
    broken = list(_broken(found, registry))
    for text in broken:
        click.echo(f"\nbroken: {text}", err=True)
    ctx.exit(1 if broken else 0)


@dataclass(frozen=True)
class _Device:
    spec: DeviceSpec
    plugin: str
    dist: str
    unavailable: str | None
    """Why it cannot run here, or None."""
    error: str | None = None
    """What is broken about it, or None."""


def _look(spec: DeviceSpec, registry: Registry) -> _Device:
    owner = registry.owner(DeviceSpec.kind, spec.name)
    if needs_options(spec):
        return _Device(spec, owner.name, owner.dist, "not known: it has options without a default")
    try:
        device = spec.impl.load()(spec.options.model_validate({"name": spec.name}))
        return _Device(spec, owner.name, owner.dist, device.unavailable())
    except Exception as error:  # noqa: BLE001 - a plugin's code may raise anything
        why = f"{spec.impl.path}: {type(error).__name__}: {error}"
        return _Device(spec, owner.name, owner.dist, "it is broken", why)


def _broken(found: list[_Device], registry: Registry) -> Iterator[str]:
    yield from (f"device {d.spec.name!r} of plugin {d.plugin!r} ({d.dist}): {d.error}" for d in found if d.error)
    # What a broken plugin would have added is not known: it may be a device.
    yield from (str(plugin.error) for plugin in registry.broken())


def _text(found: list[_Device]) -> str:
    rows = [(d.spec.name, "no" if d.unavailable else "yes", d.plugin, d.unavailable or "") for d in found]
    parts = [table(("device", "runs here", "plugin", "why not"), rows)]
    parts += ["\n".join([f"{d.spec.name}: {d.spec.summary}", *capability_lines(d.spec)]) for d in found]
    return "\n\n".join(parts)


def _row(device: _Device) -> dict[str, object]:
    return {
        "name": device.spec.name,
        "plugin": device.plugin,
        "distribution": device.dist,
        "runs_here": device.unavailable is None,
        "why_not": device.unavailable,
        "error": device.error,
        **plain_capabilities(device.spec),
    }
