"""The command as a whole: verbs, help, exit codes, errors without tracebacks, and as a real process."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from quark_core.cli.app import VERBS, app, main
from quark_core.cli.refs import called
from quark_core.errors import ConfigError
from quark_core.plugin.culprit import Culprit
from tests.unit.cli.conftest import Quark, Ran

COMMAND = Path(sys.executable).with_name("quark")


def process(*args: str, cwd: Path | None = None, **environment: str) -> Ran:
    """Run the installed command."""
    done = subprocess.run(
        [str(COMMAND), *args], capture_output=True, text=True, cwd=cwd, env=os.environ | environment, check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def test_help_lists_every_verb(quark: Quark) -> None:
    for flag in ("--help", "-h"):
        ran = quark(flag)
        assert ran.code == 0
        assert all(f"\n  {verb} " in ran.out for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_and_takes_debug(verb: str) -> None:
    for _ in range(2):
        ran = CliRunner().invoke(app, [verb, "--help"])
        assert ran.exit_code == 0
        assert ran.output.count("--debug") == 1


def test_the_version(quark: Quark) -> None:
    assert quark("--version").out == f"quark, version {version('quark-core')}\n"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("quantise",), "No such command 'quantise'"),
        (("validate",), "Missing argument 'FILES...'"),
        (("show", "dtypes"), "'dtypes' is not one of 'dtype', 'observer', 'rounding', 'device', 'mode'"),
        (("plan", "int8.yaml"), "Missing option '--model'"),
        (("quantize", "int8.yaml", "--model", "a:b", "--out", "x", "--batch-size", "0"), "0 is not in the range x>=1"),
    ],
)
def test_a_wrong_command_line_exits_with_2(quark: Quark, args: tuple[str, ...], said: str) -> None:
    ran = quark(*args)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_faults_of_the_user_have_no_traceback(quark: Quark) -> None:
    ran = quark("plan", "nowhere.yaml", "--model", "some_nets:net")
    assert ran.code == 1
    assert ran.err.startswith("error: nowhere.yaml:1:1: there is no such file\n")
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("args", [("--debug", "plan", "none.yaml"), ("plan", "none.yaml", "--debug")])
def test_debug_shows_the_traceback(work: Path, args: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError):
        main([*args, "--model", "some_nets:net"])


def test_the_environment_asks_for_tracebacks_too(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARK_DEBUG", "1")
    with pytest.raises(ConfigError):
        main(["plan", "none.yaml", "--model", "some_nets:net"])


def test_faults_of_ours_say_so(quark: Quark, monkeypatch: pytest.MonkeyPatch) -> None:
    def burst(*_args: object, **_named: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(app, "main", burst)
    ran = quark("plugins")
    assert ran.code == 1
    assert ran.err.startswith("error: unexpected ZeroDivisionError: oops\nThis is a fault of Quark Core or of a plugin")


def test_an_interrupted_run_exits_with_130(quark: Quark, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_args: object, **_named: object) -> None:
        raise click.exceptions.Abort

    monkeypatch.setattr(app, "main", stop)
    ran = quark("plugins")
    assert (ran.code, ran.err) == (130, "interrupted\n")


def test_the_installed_command_runs(work: Path) -> None:
    ran = process("validate", "int8.yaml", cwd=work)
    assert ran == Ran(0, "int8.yaml: ok\n", "")
    (work / "bad.yaml").write_text("weight: {dtype: int9}\n", encoding="utf-8")
    ran = process("validate", "bad.yaml", cwd=work)
    assert (ran.code, ran.err) == (1, "")
    assert ran.out.startswith("bad.yaml:1:17: weight.dtype: ")


def test_the_installed_command_fails_without_a_traceback(work: Path) -> None:
    ran = process("quantize", "int8.yaml", "--model", "some_nets:broken", "--out", "out", cwd=work)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("error: --model 'some_nets:broken': RuntimeError: no weights here; ")
    assert "Traceback" in process("plan", "no.yaml", "--model", "a:b", "--debug", cwd=work).err


def test_the_package_runs_as_the_command(work: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "quark_core", "--version"], cwd=work, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout.partition(",")[0], ran.stderr) == (0, "quark", "")


def test_faults_of_a_plugin_name_it(quark: Quark, monkeypatch: pytest.MonkeyPatch) -> None:
    def burst(*_args: object, **_named: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(app, "main", burst)
    found = Culprit("acme", "quark-acme 0.1", "acme/device.py:7")
    monkeypatch.setattr("quark_core.plugin.culprit.find_culprit", lambda _error: found)
    ran = quark("plugins")
    assert "This is a fault of plugin 'acme' (quark-acme 0.1), at acme/device.py:7; --debug shows more." in ran.err


def test_a_reader_that_leaves_early_is_no_fault(work: Path) -> None:
    done = subprocess.run(  # noqa: S602 - a pipe needs a shell; the command is ours
        f"'{COMMAND}' schema | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("{\n", "")


def test_characters_that_a_terminal_lacks_do_not_crash(work: Path) -> None:
    (work / "naïve….yaml").write_text("weight: {dtype: 'int…'}\n", encoding="utf-8")
    ran = process("validate", "naïve….yaml", cwd=work, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert ran.code == 1
    assert ":1:17: weight.dtype: " in ran.out


def test_light_verbs_start_without_torch(work: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\nfrom quark_core.cli import main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit as e: sys.exit(e.code)"
    )
    for args in (["validate", "int8.yaml"], ["schema"], ["plugins"], ["show", "dtype"], ["show", "mode", "eager_mode"]):
        ran = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stderr) == (0, ""), args


def test_a_reference_is_called(work: Path) -> None:
    assert called("some_nets:number", "--data") == 3
    assert called("some_nets:Space.inner", "--model")[0].in_features == 6
