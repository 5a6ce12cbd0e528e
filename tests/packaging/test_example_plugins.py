"""Each distribution in examples/plugins, in a clean environment: builds, installs, passes its tests and the check."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.packaging.conftest import ROOT, Installation, build

FOLDER = ROOT / "examples" / "plugins"
KINDS = {"aciq": "observer", "dsp": "device", "fewbits": "rounding", "hooks": "mode", "posit": "dtype"}


def project(folder: Path) -> dict[str, Any]:
    """Return the project table of a distribution."""
    found: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


@pytest.fixture(scope="module", params=KINDS)
def example(
    request: pytest.FixtureRequest, installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Return the name of an example that is installed as long as its tests run."""
    name: str = request.param
    wheel = build(FOLDER / name, tmp_path_factory.mktemp(name))
    constraints = ROOT / "constraints.txt"
    installation.run("python", "-m", "pip", "install", "-q", "-c", constraints, f"{wheel}[test]")
    yield name
    installation.run("python", "-m", "pip", "uninstall", "-q", "-y", project(FOLDER / name)["name"])


def test_every_kind_has_an_example() -> None:
    assert sorted(KINDS) == sorted(path.name for path in FOLDER.iterdir() if (path / "pyproject.toml").is_file())
    for name in KINDS:
        assert project(FOLDER / name)["entry-points"]["quark.plugins"] == {name: f"quark_{name}"}


def test_its_tests_pass(example: str, installation: Installation) -> None:
    copy = installation.work / f"tests-of-{example}"
    ignored = shutil.ignore_patterns("src", "__pycache__", ".*")
    shutil.copytree(FOLDER / example, copy, ignore=ignored, dirs_exist_ok=True)
    text = installation.run("python", "-m", "pytest", copy, "-c", copy / "pyproject.toml").stdout
    assert f"quark conformance: PluginTests[quark_{example}]" in text


def test_the_check_holds(example: str, installation: Installation) -> None:
    ran = installation.run("quark", "plugins", "check", example, check=False)
    assert ran.stdout.endswith("\n\neverything holds\n"), ran.stdout + ran.stderr
    assert f"{KINDS[example].capitalize()}Tests" in ran.stdout


def test_the_configs_of_its_readme_are_valid(example: str, installation: Installation) -> None:
    text = (FOLDER / example / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert blocks
    for number, block in enumerate(blocks):
        path = installation.work / f"{example}{number}.yaml"
        path.write_text(block, encoding="utf-8")
        installation.run("quark", "validate", path)
