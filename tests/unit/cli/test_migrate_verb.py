from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Quark
from tests.unit.config.migration.old_format import past as past  # noqa: PLC0414 - a fixture, used by its name

OLD = """# Weights only.
version: 0
weight: {dtype: int8}  # eight bits
"""
NEW = """# Weights only.
version: 1
weight: {dtype: int8}  # eight bits
calibration: {batches: 8}
"""
DIFF = """--- old.yaml
+++ old.yaml
@@ -1,3 +1,4 @@
 # Weights only.
-version: 0
+version: 1
 weight: {dtype: int8}  # eight bits
+calibration: {batches: 8}
"""


@pytest.fixture
def old(work: Path) -> Path:
    path = work / "old.yaml"
    path.write_text(OLD, encoding="utf-8")
    return path


@pytest.mark.usefixtures("past")
def test_files_are_migrated_and_validated(quark: Quark, old: Path) -> None:
    held = (old.parent / "int8.yaml").read_bytes()
    ran = quark("migrate", "old.yaml", "int8.yaml")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "old.yaml: migrated from version 0 to 1\n"
        "  version 1: the number of batches is in calibration\n"
        "int8.yaml: already version 1\n"
    )
    assert old.read_text(encoding="utf-8") == NEW
    assert (old.parent / "int8.yaml").read_bytes() == held
    assert quark("validate", "old.yaml").code == 0


@pytest.mark.usefixtures("past")
def test_check_writes_nothing(quark: Quark, old: Path) -> None:
    ran = quark("migrate", "--check", "old.yaml", "int8.yaml")
    assert (ran.code, ran.err) == (1, "")
    assert ran.out == "old.yaml: would be migrated from version 0 to 1\nint8.yaml: already version 1\n"
    assert old.read_text(encoding="utf-8") == OLD
    assert quark("migrate", "--check", "int8.yaml").code == 0


@pytest.mark.usefixtures("past")
@pytest.mark.parametrize(("options", "code"), [(["--diff"], 0), (["--diff", "--check"], 1)])
def test_diff_writes_nothing(quark: Quark, old: Path, options: list[str], code: int) -> None:
    ran = quark("migrate", *options, "old.yaml", "int8.yaml")
    assert (ran.code, ran.out, ran.err) == (code, DIFF, "")
    assert old.read_text(encoding="utf-8") == OLD


@pytest.mark.usefixtures("past")
def test_faults_that_remain_are_printed(quark: Quark, old: Path) -> None:
    old.write_text(OLD.replace("int8", "int9"), encoding="utf-8")
    ran = quark("migrate", "old.yaml")
    assert ran.code == 1
    assert ran.out.startswith("old.yaml: migrated from version 0 to 1\n")
    assert "old.yaml:3:17: weight.dtype: no installed plugin adds dtype 'int9'; did you mean 'int8'?" in ran.out
    assert old.read_text(encoding="utf-8") == NEW.replace("int8", "int9")


@pytest.mark.usefixtures("past")
def test_one_file_that_fails_does_not_stop_the_others(quark: Quark, old: Path) -> None:
    ran = quark("migrate", "nowhere.yaml", "old.yaml")
    assert (ran.code, ran.err) == (1, "")
    assert ran.out.startswith("nowhere.yaml:1:1: there is no such file\n")
    assert "old.yaml: migrated from version 0 to 1\n" in ran.out
    assert old.read_text(encoding="utf-8") == NEW


@pytest.mark.usefixtures("past")
def test_validate_says_how(quark: Quark, old: Path) -> None:
    ran = quark("validate", "old.yaml")
    assert ran.code == 1
    assert ran.out == (
        "old.yaml:2:10: version: this is version 0 of the config format; this Quark Core reads version 1\n"
        "   2 | version: 0\n     |          ^\n     fix: run: quark migrate old.yaml\n\n"
        "1 fault in 1 of 1 file\n"
    )


def test_a_newer_file_needs_a_newer_quark_core(quark: Quark, old: Path) -> None:
    old.write_text("version: 2\n", encoding="utf-8")
    ran = quark("migrate", "old.yaml")
    assert ran.code == 1
    assert ran.out == (
        "old.yaml:1:10: version: was written for a newer Quark Core (version 2; this one knows 1)\n"
        "   1 | version: 2\n     |          ^\n     fix: update quark-core\n\n"
    )


def test_without_files_it_is_a_wrong_command(quark: Quark) -> None:
    assert quark("migrate").code == 2


def test_torch_is_not_needed(work: Path) -> None:
    code = (
        "import sys\nfrom quark_core.cli.app import app\n"
        "app.main(['migrate', 'int8.yaml'], standalone_mode=False)\nprint('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=work, check=True, capture_output=True, text=True)
    assert done.stdout == "int8.yaml: already version 1\nFalse\n"
