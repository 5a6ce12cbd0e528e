"""``quark init``: a commented first config."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from quark_core.cli.completing import names_starting
from quark_core.config.reading.files import EXTENSIONS
from quark_core.config.type import DeviceType
from quark_core.editors.files import write_all
from quark_core.errors import UsageError
from quark_core.plugin.specs import DeviceSpec, DtypeSpec
from quark_core.registry import Registry, installed
from quark_core.starter.files import check_target, starter_files
from quark_core.starter.solve import able_dtypes, able_whats, solve
from quark_core.starter.wishes import BITS, What, Wish, dtype_of


def _devices(_ctx: click.Context, _param: click.Parameter, start: str) -> list[CompletionItem]:
    return names_starting(DeviceSpec.kind, start)


def _bits(_ctx: click.Context, _param: click.Parameter, start: str) -> list[CompletionItem]:
    return [CompletionItem(bits) for bits in BITS if bits.startswith(start)] + names_starting(DtypeSpec.kind, start)


@click.command("init")
@click.argument("file", default=Path("quark.yaml"), type=click.Path(path_type=Path))
@click.option("--device", shell_complete=_devices, help="What the model is quantized for: `quark devices`.")
@click.option("--bits", shell_complete=_bits, help="Of weights: 8, 4, 16, or the name of a dtype: `quark show dtype`.")
@click.option("--quantize", "what", type=click.Choice([str(what) for what in What]), help="What is quantized.")
@click.option("--schema/--no-schema", default=True, show_default=True, help="Write the schema for editors beside it.")
@click.option("--force", is_flag=True, help="Overwrite what is there.")
def command(*, file: Path, device: str | None, bits: str | None, what: str | None, schema: bool, force: bool) -> None:
    """Write a first config to FILE (quark.yaml), with comments and with suggestions to go on from.

    Its extension says the format: .yaml, .toml or .json. On a terminal it asks what the options leave open; elsewhere
    it takes the usual: the CPU, 8 bits, weights and activations, as far as the device can.

    \b
    weights-and-activations  scales of activations are measured on calibration data
    dynamic                  scales of activations are computed from each batch
    weights                  activations stay in floating point
    """
    check_target(file, with_schema=schema, force=force)
    registry = installed()
    wish = _wish(device, bits, What(what) if what else None, registry)
    files = starter_files(file, solve(wish, registry), registry, with_schema=schema)
    for line in write_all(files):
        click.echo(line)
    if EXTENSIONS[file.suffix.lower()] == "json":
        click.echo("JSON has no comments: explanations and suggestions come with .yaml and .toml")
    click.echo(f"next: quark plan {file} --model package.module:function")


def _wish(device: str | None, bits: str | None, what: What | None, registry: Registry) -> Wish:
    ask = sys.stdin.isatty()
    device = device or _device(registry, ask=ask)
    registry.get(DeviceSpec.kind, device)
    dtype = dtype_of(bits, registry) if bits else _dtype(device, what, registry, ask=ask)
    return Wish(device, dtype, what or _what(device, dtype, registry, ask=ask))


def _device(registry: Registry, *, ask: bool) -> str:
    devices = list(registry.specs(DeviceSpec.kind))
    if not devices:
        raise UsageError("no installed plugin adds a device: `quark plugins` says what there is")
    usual = DeviceType.CPU.value if DeviceType.CPU in devices else devices[0]
    return _asked("For which device", devices, usual) if ask and len(devices) > 1 else usual


def _dtype(device: str, what: What | None, registry: Registry, *, ask: bool) -> DtypeSpec:
    names = able_dtypes(device, registry, what)
    if not names:
        raise UsageError(f"device {device} takes nothing that can be asked for here; write a config by hand")
    widths = [bits for bits in BITS if _has(bits, names, registry)]
    choices = [*widths, *names]
    if not ask:
        return dtype_of(choices[0], registry)
    click.echo(f"Weights can be: {', '.join(choices)}")
    return dtype_of(_asked("How many bits, or which dtype, for weights", choices, choices[0], shown=False), registry)


def _has(bits: str, names: list[str], registry: Registry) -> bool:
    try:
        return dtype_of(bits, registry).name in names
    except UsageError:
        return False


def _what(device: str, dtype: DtypeSpec, registry: Registry, *, ask: bool) -> What:
    able = able_whats(device, dtype.name, registry)
    if not able:
        return What.both  # the error that follows says what the device can do
    return What(_asked("What is quantized", able, able[0])) if ask and len(able) > 1 else able[0]


def _asked(question: str, choices: Sequence[str], usual: str, *, shown: bool = True) -> str:
    # click knows members of an enum by their names, where we mean their values.
    names = click.Choice([str(choice) for choice in choices])
    answer: str = click.prompt(question, type=names, default=str(usual), show_choices=shown)
    return answer
