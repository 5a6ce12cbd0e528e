"""Whatever kinds are asked for, the folder holds a plugin that adds these and no more, and reads well."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
from itertools import combinations
from pathlib import Path

import pytest

from quark_core.errors import UsageError
from quark_core.registry import KINDS, Registry
from quark_core.scaffold import new_plugin

CHOICES = [kinds for count in range(1, len(KINDS) + 1) for kinds in combinations(KINDS, count)]


def adds(folder: Path, name: str) -> set[str]:
    """Return the kinds that the plugin in ``folder`` adds."""
    module = f"quark_{name.replace('-', '_')}"
    spec = importlib.util.spec_from_file_location(module, folder / "src" / module / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return {kind for kind, _ in Registry().add(made, name).adds}


@pytest.mark.parametrize("kinds", CHOICES, ids="-".join)
def test_it_adds_what_was_asked_for(kinds: tuple[str, ...], tmp_path: Path) -> None:
    folder, files = new_plugin("my-ext", kinds, tmp_path / "new")
    assert adds(folder, "my-ext") == set(kinds)
    assert files == sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    for kind in KINDS:
        there = (f"tests/test_{kind}.py" in files, f"configs/{kind}.yaml" in files)
        assert there == (kind in kinds, kind in kinds)


@pytest.mark.parametrize("kinds", CHOICES, ids="-".join)
def test_each_file_is_told_of_and_nothing_else(kinds: tuple[str, ...], tmp_path: Path) -> None:
    folder, files = new_plugin("beta", kinds, tmp_path / "new")
    told = re.findall(r"^\| `([^`]+)` \|", (folder / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(told) == [name for name in files if name != "README.md"]


def test_no_word_of_the_template_is_left(tmp_path: Path) -> None:
    folder, files = new_plugin("my-ext", KINDS, tmp_path / "new")
    for name in files:
        assert "acme" not in name.lower()
        assert "acme" not in (folder / name).read_text(encoding="utf-8").lower()
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == "quark-my-ext"
    assert project["entry-points"] == {"quark.plugins": {"my-ext": "quark_my_ext"}}


def test_all_kinds_under_its_own_name_give_the_template_back(tmp_path: Path) -> None:
    folder, files = new_plugin("acme", KINDS, tmp_path / "new")
    template = Path(__file__).parents[3] / "plugins" / "example"
    for name in files:
        assert (folder / name).read_text(encoding="utf-8") == (template / name).read_text(encoding="utf-8")


def test_linters_have_nothing_to_say(tmp_path: Path) -> None:
    for number, kinds in enumerate(CHOICES):
        new_plugin("alpha", kinds, tmp_path / str(number))
    for command in (
        ["check", "--select", "E,F,W,UP,B", "--line-length", "120"],
        ["format", "--check", "--line-length", "120"],
    ):
        ran = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", tmp_path],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("name", ["Acme", "1st", "a b", "", "a-", "a/b", "../x", "quark-mine"])
def test_names_that_cannot_be_a_prefix_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="use small letters"):
        new_plugin(name, ["dtype"], tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path, tmp_path / "file"):
        with pytest.raises(UsageError, match="is there already; give another folder with --out"):
            new_plugin("alpha", ["dtype"], place)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_empty_folder_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "new").mkdir()
    monkeypatch.chdir(tmp_path / "new")
    _, files = new_plugin("alpha", ["dtype"], Path())
    assert all(Path(name).is_file() for name in files)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        new_plugin("alpha", ["dtype"], tmp_path / "file" / "new")
