"""``quark completion``: the script that makes a shell complete ``quark``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script of SHELL: it completes verbs, options, files, and the names of extensions.

    To switch it on for good:

    \b
    bash  quark completion bash > ~/.local/share/bash-completion/completions/quark
    zsh   quark completion zsh > ~/.zfunc/_quark    with `fpath+=~/.zfunc` before `compinit` in ~/.zshrc
    fish  quark completion fish > ~/.config/fish/completions/quark.fish

    In one session of bash or zsh: eval "$(quark completion bash)", or zsh. It needs bash 4.4 or newer.
    """
    found = get_completion_class(shell)
    if found is None:
        raise RuntimeError(f"click knows no shell {shell!r}")
    # click reads the variable of this name when the shell asks.
    click.echo(found(ctx.find_root().command, {}, "quark", "_QUARK_COMPLETE").source())
