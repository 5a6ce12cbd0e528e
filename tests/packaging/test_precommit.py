"""The hook for pre-commit: its entry is a command that we install, and does on files what pre-commit expects."""

import re
import shlex
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from quark_core.config.reading.files import EXTENSIONS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def hook() -> dict[str, Any]:
    """Return the one hook."""
    (only,) = YAML(typ="safe", pure=True).load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert isinstance(only, dict)
    return only


def test_it_has_what_pre_commit_asks_for(hook: dict[str, Any]) -> None:
    assert {key: hook[key] for key in ("id", "entry", "language", "types_or")} == {
        "id": "quark-validate",
        "entry": "quark validate",
        "language": "python",
        "types_or": ["yaml", "json", "toml"],
    }
    # https://pre-commit.com/#new-hooks: names are checked there, so that a misspelt key is an error.
    assert set(hook) <= {
        *("id", "name", "description", "entry", "language", "files", "types_or", "minimum_pre_commit_version")
    }


@pytest.mark.parametrize(
    ("path", "is_taken"),
    [
        *(
            (f"{folder}{name}{suffix}", True)
            for suffix in EXTENSIONS
            for folder in ("", "a/b/")
            for name in ("quark", "x.quark")
        ),
        ("quark.schema.json", False),
        ("a/myquark.yaml", False),
        ("quark.yaml.orig", False),
        ("quark/a.yaml", False),
        ("quark.py", False),
    ],
)
def test_it_takes_the_files_that_editors_take(hook: dict[str, Any], path: str, is_taken: bool) -> None:
    assert bool(re.search(hook["files"], path)) is is_taken


def test_its_entry_is_installed_and_checks_files(hook: dict[str, Any], tmp_path: Path) -> None:
    command, *arguments = shlex.split(hook["entry"])
    assert [point.name for point in entry_points(group="console_scripts", name=command)] == ["quark"]
    (tmp_path / "quark.yaml").write_text("weight: {dtype: int8}\n", encoding="utf-8")
    (tmp_path / "bad.quark.toml").write_text('[weight]\ndtype = "int9"\n', encoding="utf-8")
    program = [str(Path(sys.executable).with_name(command)), *arguments]
    good = subprocess.run([*program, "quark.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (good.returncode, good.stdout, good.stderr) == (0, "quark.yaml: ok\n", "")
    # pre-commit adds every file that matches and was changed.
    both = subprocess.run(
        [*program, "quark.yaml", "bad.quark.toml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (both.returncode, both.stderr) == (1, "")
    assert (
        "bad.quark.toml:2:9: weight.dtype: no installed plugin adds dtype 'int9'; did you mean 'int8'?" in both.stdout
    )
