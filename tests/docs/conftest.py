"""The site, built once a session, and pages that are run as plugins."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from quark_core.plugin.discovery import all_entry_points, load
from quark_core.registry import Registry, use
from tests.docs.pages import DOCS, write_files

PACKAGE = "quark_tiny"
"""What the plugin in the examples is called."""


@dataclass(frozen=True)
class Site:
    """The built pages."""

    folder: Path

    def html(self, page: str) -> str:
        """Return a page by its name, such as ``contract/modes``."""
        return (self.folder / f"{page}.html").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Return the site; every warning of Sphinx is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = (
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-b",
        "html",
        "-d",
        folder / "doctrees",
        DOCS,
        folder / "html",
    )
    built = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    return Site(folder / "html")


@pytest.fixture
def registry_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], Registry]]:
    """Return what writes the files of a page, and gives the bundled plugins with the page's own, in use."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    known = set(sys.modules)
    registry = Registry()

    def made(page: Path) -> Registry:
        written = write_files(page, tmp_path)
        for found in all_entry_points():
            if found.bundled:
                registry.add(load(found), found.name, found.dist, bundled=True)
        if f"{PACKAGE}/__init__.py" in written:
            registry.add(__import__(PACKAGE), PACKAGE.removeprefix("quark_"))
        return registry

    with use(registry):
        yield made
    for name in set(sys.modules) - known:
        if name.partition(".")[0] == PACKAGE:
            del sys.modules[name]
