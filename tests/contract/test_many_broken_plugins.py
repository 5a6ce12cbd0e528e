"""300 plugins, each broken in a way drawn by lot, never take down who does not use them, and each is named."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.broken_plugins import Broken, broken
from tests.unit.plugin.conftest import Site

COUNT = 300


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Broken]]:
    """Return a folder with the plugins, and what each must be said to be."""
    site, lots = Site(tmp_path_factory.mktemp("crowd")), random.Random(20)  # noqa: S311 - lots, no secrets
    made = {f"p{number}": broken(f"p{number}", lots) for number in range(COUNT)}
    for name, plugin in made.items():
        site.plugin(name, plugin.source)
    site.plugin("sound")
    return site.folder, made


def quark(site: Path, work: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from quark_core.cli import main; main()"
    env = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=work, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("dtype", ["int8", "sound.int3"])
def test_a_config_that_uses_none_of_them_is_checked(
    crowd: tuple[Path, dict[str, Broken]], tmp_path: Path, dtype: str
) -> None:
    (tmp_path / "a.yaml").write_text(f"version: 1\nweight: {{dtype: {dtype}}}\n", encoding="utf-8")
    ran = quark(crowd[0], tmp_path, "validate", "a.yaml")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "a.yaml: ok\n", "")


def test_each_is_named_with_its_distribution_and_cause(crowd: tuple[Path, dict[str, Broken]], tmp_path: Path) -> None:
    site, made = crowd
    ran = quark(site, tmp_path, "plugins")
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    said: dict[str, str] = {}
    for line in ran.stderr.splitlines():
        if line.startswith(("broken: ", "slow: ")):
            name = line.split("'")[1]
            said[name] = said.get(name, "") + line
    assert sorted(said) == sorted(made)
    for name, plugin in made.items():
        assert f"plugin {name!r} (quark-{name} 0.1)" in said[name]
        assert plugin.says in said[name], said[name]
        assert len(said[name]) < 1000, "a message is for people"


def test_other_programs_can_read_the_list(crowd: tuple[Path, dict[str, Broken]], tmp_path: Path) -> None:
    site, made = crowd
    rows = {row["name"]: row for row in json.loads(quark(site, tmp_path, "plugins", "--json").stdout)}
    assert set(rows) >= {*made, "sound", "quark_dtypes"}
    assert rows["sound"]["error"] is None
    for name in made:
        assert rows[name]["error"] or rows[name]["missing"] or rows[name]["seconds"] > 0.5


def test_with_all_of_them_read_the_rest_still_works(crowd: tuple[Path, dict[str, Broken]], tmp_path: Path) -> None:
    ran = quark(crowd[0], tmp_path, "schema", "--out", "quark.schema.json")
    assert (ran.returncode, ran.stdout) == (0, "wrote quark.schema.json\n")
    assert "sound.int3" in (tmp_path / "quark.schema.json").read_text(encoding="utf-8")


def test_a_config_that_uses_one_says_what_is_wrong_with_it(
    crowd: tuple[Path, dict[str, Broken]], tmp_path: Path
) -> None:
    site, made = crowd
    name = next(name for name, plugin in made.items() if plugin.says == "SystemExit: 3")
    (tmp_path / "a.yaml").write_text(f"weight: {{dtype: {name}.int3}}\n", encoding="utf-8")
    ran = quark(site, tmp_path, "validate", "a.yaml")
    assert ran.returncode == 1
    assert f"plugin {name!r} (quark-{name} 0.1): failed to import" in ran.stdout


def test_the_lots_fell_on_every_kind(crowd: tuple[Path, dict[str, Broken]]) -> None:
    said = {plugin.says for plugin in crowd[1].values()}
    assert len(said) > 25


@pytest.mark.parametrize("source", ["import os\nos._exit(9)", "while True:\n    pass"], ids=["exits", "hangs"])
def test_a_config_does_not_even_read_what_it_does_not_use(tmp_path: Path, source: str) -> None:
    Site(tmp_path).plugin("evil", source)
    (tmp_path / "right.yaml").write_text("weight: {dtype: int8}\nexclude: [head]\n", encoding="utf-8")
    (tmp_path / "wrong.yaml").write_text("weight: {dtype: int9}\ninput: {dtype: evi.int3}\n", encoding="utf-8")
    ran = quark(tmp_path, tmp_path, "validate", "right.yaml", "wrong.yaml")
    assert (ran.returncode, ran.stderr) == (1, "")
    assert "right.yaml: ok" in ran.stdout
    assert "no installed plugin adds dtype 'int9'; did you mean 'int8'?" in ran.stdout
    assert "did you mean plugin 'evil' (quark-evil 0.1)?" in ran.stdout
