"""The command itself: its verbs, and what happens when one fails."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.metadata import version
from typing import Any

import click

from quark_core.errors import QuarkError

VERBS = {
    "completion": "quark_core.cli.completion",
    "demo": "quark_core.cli.demo",
    "devices": "quark_core.cli.devices",
    "init": "quark_core.cli.init",
    "migrate": "quark_core.cli.migrate",
    "plan": "quark_core.cli.plan",
    "plugins": "quark_core.cli.plugins",
    "quantize": "quark_core.cli.quantize",
    "schema": "quark_core.cli.schema",
    "show": "quark_core.cli.show",
    "validate": "quark_core.cli.validate",
}
DEBUG = "QUARK_DEBUG"


class _Verbs(click.Group):
    """Imports a verb when it is asked for, so that the light ones start without torch."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the verbs."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a verb, with ``--debug`` added to it."""
        del ctx
        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(VERBS[cmd_name]).command
        if not any(param.name == "debug" for param in command.params):
            command.params.append(_debug_option())
        return command


def _debug_option() -> click.Option:
    return click.Option(
        ["--debug"], is_flag=True, expose_value=False, callback=_set_debug, help="Show tracebacks instead of messages."
    )


def _set_debug(_ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        os.environ[DEBUG] = "1"


@click.group(cls=_Verbs, params=[_debug_option()], context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("quark-core"), prog_name="quark")
def app() -> None:
    """Quantize PyTorch models as a config file says."""


def main(args: list[str] | None = None) -> None:
    """Run the command and exit: 0 done, 1 a fault was found or met, 2 a wrong command line, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets a substitute, not a crash.
        reconfigure: Any = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    try:
        sys.exit(app.main(args, prog_name="quark", standalone_mode=False))
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except QuarkError as error:
        _fail(error, str(error))
    except Exception as error:  # noqa: BLE001 - the last resort of a command line
        text = f"unexpected {type(error).__name__}: {error}\nThis is a fault of {_culprit(error)}"
        _fail(error, f"{text}; --debug shows more.")


def _culprit(error: Exception) -> str:
    """Return the plugin whose code raised, with the place there, or who it may have been."""
    from quark_core.plugin.culprit import find_culprit

    found = find_culprit(error)
    return f"plugin {found.plugin!r} ({found.dist}), at {found.place}" if found else "Quark Core or of a plugin"


def _fail(error: Exception, text: str) -> None:
    if os.environ.get(DEBUG):
        raise error
    click.echo(f"error: {text}", err=True)
    sys.exit(1)
