"""A plugin of each kind, as ``quark plugins new`` writes it, in a clean environment: builds, installs, passes."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from quark_core.registry import KINDS
from tests.packaging.conftest import Installation, build


@pytest.fixture(params=KINDS)
def plugin(request: pytest.FixtureRequest, installation: Installation, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Return the kind and the folder of a plugin that is installed as long as the test runs."""
    kind: str = request.param
    folder = installation.work / f"quark-my-{kind}"
    installation.run("quark", "plugins", "new", f"my-{kind}", "--kind", kind)
    wheel = build(folder, tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
    assert {name.partition("/")[0] for name in names} == {f"quark_my_{kind}"}
    installation.run("python", "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel)
    # The tests are to find what is installed, and not what lies beside them.
    shutil.rmtree(folder / "src")
    yield kind, folder
    installation.run("python", "-m", "pip", "uninstall", "-q", "-y", f"quark-my-{kind}")


def test_it_works_as_it_is(plugin: tuple[str, Path], installation: Installation) -> None:
    kind, folder = plugin
    listed = json.loads(installation.run("quark", "plugins", "--json").stdout)
    [row] = [row for row in listed if row["name"] == f"my-{kind}"]
    assert [added["kind"] for added in row["adds"]] == [kind]
    assert "passed" in installation.run("python", "-m", "pytest", folder, "-c", folder / "pyproject.toml").stdout
    assert "everything holds" in installation.run("quark", "plugins", "check", f"my-{kind}").stdout
    installation.run("quark", "validate", folder / "configs" / f"{kind}.yaml")
