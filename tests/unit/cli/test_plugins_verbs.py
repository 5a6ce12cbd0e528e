"""``quark plugins new`` and ``quark plugins check``: what authors run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Quark
from tests.unit.plugin.conftest import GOOD, Site

BAD_OBSERVER = '''
import time
from typing import Literal
from quark_core.plugin import ObserverSpec, Options, Ref, hookimpl

QUARK_API = 1
time.sleep(0.6)


class HalfOptions(Options):
    """Half of the range."""

    name: Literal["half.range"] = "half.range"
    strength: int = 3


@hookimpl
def quark_observers():
    return [ObserverSpec(HalfOptions, Ref("half_code:Half"))]
'''
HALF_CODE = """
class Half:
    def __init__(self, options):
        self.hi = None

    def observe(self, blocks):
        self.hi = blocks.amax(1) / 2

    def merge(self, other):
        self.hi = self.nothing

    def range(self):
        return -self.hi, self.hi
"""


def test_a_new_plugin_says_what_comes_next(quark: Quark, work: Path) -> None:
    ran = quark("plugins", "new", "my-ext", "--kind", "dtype")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert "wrote quark-my-ext/src/quark_my_ext/__init__.py" in lines
    assert lines[-1] == "next: cd quark-my-ext && pip install -e '.[test]' && pytest && quark plugins check my-ext"
    assert quark("plugins", "new", "my-ext", "--kind", "dtype").err.startswith("error: quark-my-ext: is there already")
    assert (work / "quark-my-ext" / "pyproject.toml").is_file()


def test_a_kind_must_be_said(quark: Quark) -> None:
    assert (quark("plugins", "new", "alpha").code, quark("plugins", "new", "alpha", "--kind", "pass").code) == (2, 2)


def check(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in an interpreter that finds what is installed in ``site``."""
    code = "from quark_core.cli import main; main()"
    env = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-c", code, "plugins", "check", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Site:
    """Return a folder of installed distributions that only other interpreters see."""
    return Site(tmp_path)


def test_a_sound_plugin_holds(folder: Site) -> None:
    folder.plugin("acme")
    ran = check(folder.folder)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("plugin acme (quark-acme 0.1), read in 0.")
    rows = [line.split() for line in ran.stdout.splitlines()]
    assert [row[:2] + row[3:] for row in rows if row and row[0].endswith("Tests")] == [
        ["PluginTests", "quark_acme_plugin", "0"],
        ["DtypeTests", "acme.int3", "0"],
    ]
    assert ran.stdout.endswith("\n\neverything holds\n")


def test_each_failure_is_a_line_with_its_fix(folder: Site) -> None:
    folder.plugin("half", BAD_OBSERVER)
    folder.module("half_code", HALF_CODE)
    ran = check(folder.folder, "half")
    failed = [line for line in ran.stdout.splitlines() if line.startswith("failed: ")]
    assert (ran.returncode, ran.stderr) == (1, "")
    assert failed[0].startswith("failed: reading the manifest takes ")
    assert "most of it goes to quark_half_plugin: import that only in modules that a Ref names" in failed[0]
    assert (
        "failed: PluginTests[quark_half_plugin] test_every_number_has_bounds: half.range: the option 'strength' takes "
        "any number; give it bounds, such as Field(…, ge=0), which editors check"
    ) in failed
    assert (
        "failed: PluginTests[quark_half_plugin] test_every_option_is_described: half.range: write a docstring below "
        "the option 'strength'; editors show it"
    ) in failed
    # What the plugin itself raises is shown with the line that raised it.
    merging = next(line for line in failed if "test_merging_may_be_grouped" in line)
    assert "AttributeError: 'Half' object has no attribute 'nothing'" in merging
    assert merging.endswith("half_code.py:10)")


SIGN = GOOD.replace("IntFormat(3)", "CodebookFormat((-1.0, 1.0))").replace(
    "DtypeSpec, IntFormat", "CodebookFormat, DtypeSpec"
)


def test_a_check_that_cannot_pass_may_be_expected(folder: Site) -> None:
    folder.plugin("acme", SIGN)
    alone = check(folder.folder)
    failed = {line.split()[2].rstrip(":") for line in alone.stdout.splitlines() if line.startswith("failed: ")}
    assert failed == {"test_zero_is_exact"}
    ran = check(folder.folder, "acme", "--expect", "acme.int3:test_zero_is_exact")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "as expected" in ran.stdout
    assert ran.stdout.endswith("\n\neverything holds\n")


def test_what_was_expected_to_fail_and_passes_is_a_fault(folder: Site) -> None:
    folder.plugin("acme")
    ran = check(folder.folder, "acme", "--expect", "acme.int3:test_zero_is_exact")
    assert ran.returncode == 1
    assert ran.stdout.endswith(
        "failed: acme.int3:test_zero_is_exact passes: leave out --expect acme.int3:test_zero_is_exact\n"
    )


def test_an_expected_check_must_be_one(folder: Site) -> None:
    folder.plugin("acme")
    ran = check(folder.folder, "acme", "--expect", "acme.int3:test_zero_is_exakt")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == (
        "error: --expect 'acme.int3:test_zero_is_exakt': no such check was run; "
        "write it as 'acme.int3:test_zero_is_exact'\n"
    )


def test_an_option_with_few_values_is_checked_with_each(folder: Site) -> None:
    options = '    fast: bool = False\n    """Whether it hurries."""\n'
    source = BAD_OBSERVER.replace("    strength: int = 3\n", options).replace("time.sleep(0.6)", "")
    folder.plugin("half", source)
    folder.module("half_code", HALF_CODE)
    lines = check(folder.folder, "half").stdout.splitlines()
    suites = [line.removeprefix("ObserverTests").split() for line in lines if line.startswith("ObserverTests")]
    assert [suite[:-2] for suite in suites] == [["half.range"], ["half.range", "fast=True"]]


def test_failures_as_json(folder: Site) -> None:
    folder.plugin("acme", GOOD.replace(', "3-bit signed integer."', ""))
    folder.plugin("broken", "import nothing_here")
    ran = check(folder.folder, "--json")
    acme, broken = json.loads(ran.stdout)
    assert ran.returncode == 1
    assert (acme["name"], acme["distribution"], acme["read_seconds"] > 0) == ("acme", "quark-acme 0.1", True)
    wrong = [row for row in acme["checks"] if not row["passed"]]
    assert {(row["suite"], row["check"]) for row in wrong} == {
        ("PluginTests", "test_every_extension_is_described"),
        ("DtypeTests", "test_it_is_hashable_data"),
    }
    assert len(acme["faults"]) == 2
    assert (broken["checks"], broken["read_seconds"]) == ([], None)
    assert broken["faults"] == [
        "failed to import 'quark_broken_plugin': ModuleNotFoundError: No module named 'nothing_here'"
    ]


def test_what_is_not_installed_is_an_error(quark: Quark) -> None:
    ran = quark("plugins", "check", "nobody")
    assert ran.code == 1
    assert ran.err.startswith("error: no plugin 'nobody' is installed; there are: quark_cpu, ")


def test_what_is_kept_out_is_not_checked(quark: Quark, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARK_DISABLE_PLUGINS", "quark_cpu")
    ran = quark("plugins", "check", "quark_cpu")
    assert (ran.code, ran.err) == (1, "error: plugin 'quark_cpu' is kept out by QUARK_DISABLE_PLUGINS; unset it\n")
