"""``quark completion``: the script in the shell itself, and what is offered."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from quark_core.cli.app import VERBS
from quark_core.registry import installed
from tests.unit.cli.conftest import Quark

BIN = Path(sys.executable).parent
ASK = """
source "$1"
COMP_WORDS=("${@:2}")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_quark_completion quark
printf '%s\\n' "${COMPREPLY[@]}"
"""


def offered(work: Path, *words: str, **environment: str) -> list[str]:
    """Return what bash offers for the last of the words, with the script loaded."""
    script = work / "completion.bash"
    if not script.exists():
        script.write_text(
            subprocess.run([BIN / "quark", "completion", "bash"], capture_output=True, text=True, check=True).stdout,
            encoding="utf-8",
        )
    env = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"} | environment
    # compopt works only where bash itself asks for a completion.
    ask = 'compopt() { COMPREPLY+=("$2"); }\n' + ASK
    ran = subprocess.run(
        ["bash", "-c", ask, "bash", str(script), *words], capture_output=True, text=True, check=False, cwd=work, env=env
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout.splitlines()


pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")


def test_verbs(work: Path) -> None:
    assert sorted(offered(work, "quark", "")) == sorted(VERBS)
    assert offered(work, "quark", "comp") == ["completion"]
    assert offered(work, "quark", "completion", "") == ["bash", "zsh", "fish"]


def test_options(work: Path) -> None:
    assert offered(work, "quark", "schema", "--in") == ["--install"]
    assert offered(work, "quark", "schema", "--install", "") == ["vscode", "jetbrains", "modeline"]
    assert offered(work, "quark", "init", "--quantize", "w") == ["weights-and-activations", "weights"]


def test_names_of_extensions(work: Path) -> None:
    assert offered(work, "quark", "show", "d") == ["dtype", "device"]
    assert offered(work, "quark", "show", "device", "") == list(installed().specs("device"))
    assert offered(work, "quark", "show", "dtype", "mxfp8") == ["mxfp8_e5m2"]
    assert offered(work, "quark", "show", "nothing", "") == [""]
    assert offered(work, "quark", "init", "--device", "I") == ["IPU"]
    assert offered(work, "quark", "init", "--bits", "1") == ["16"]
    assert offered(work, "quark", "init", "--bits", "nf") == ["nf4"]


def test_only_what_is_let_in_is_offered(work: Path) -> None:
    assert offered(work, "quark", "show", "device", "", QUARK_PLUGINS="quark_cpu") == ["CPU"]


def test_files_are_left_to_the_shell(work: Path) -> None:
    for words in (("validate", ""), ("plan", "in"), ("init", "q"), ("schema", "--install", "modeline", "")):
        assert offered(work, "quark", *words) == ["default"]


def test_completing_needs_no_torch(work: Path) -> None:
    code = "import sys; sys.modules['torch'] = None\nfrom quark_core.cli import main\nmain()"
    env = os.environ | {"_QUARK_COMPLETE": "bash_complete", "COMP_WORDS": "quark show dtype int1", "COMP_CWORD": "3"}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=env)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "plain,int16\n", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_what_their_shells_read(quark: Quark, shell: str) -> None:
    ran = quark("completion", shell)
    assert (ran.code, ran.err) == (0, "")
    assert f"_QUARK_COMPLETE={shell}_complete" in ran.out
    checked = shutil.which(shell)
    if checked:
        done = subprocess.run([checked, "-n"], input=ran.out, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def test_the_help_says_how_to_switch_it_on(quark: Quark) -> None:
    text = quark("completion", "--help").out
    assert "quark completion bash > ~/.local/share/bash-completion/completions/quark" in text
    assert "~/.zshrc" in text
    assert "~/.config/fish/completions/quark.fish" in text
    assert quark("completion", "ksh").code == 2
