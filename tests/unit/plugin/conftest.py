"""A folder of installed distributions, made by hand: what pip leaves behind is all that discovery reads."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from quark_core.plugin.discovery import ONLY, WITHOUT
from quark_core.registry import Plugin, Registry, installed

GOOD = """
from quark_core.plugin import DtypeSpec, IntFormat, hookimpl
QUARK_API = 1

@hookimpl
def quark_dtypes():
    return [DtypeSpec("{prefix}.int3", IntFormat(3), "3-bit signed integer.")]
"""
"""Source of a plugin that works."""


class Site:
    """A folder on ``sys.path``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def module(self, name: str, source: str) -> None:
        """Write a module."""
        (self.folder / f"{name}.py").write_text(source, encoding="utf-8")

    def distribution(
        self, name: str, entry_points: str, *, version: str = "0.1", egg: bool = False, metadata: str | None = None
    ) -> None:
        """Write what pip (or, for ``egg``, setuptools' develop mode) notes about an installed distribution."""
        stem = name.replace("-", "_")
        folder = self.folder / (f"{stem}.egg-info" if egg else f"{stem}-{version}.dist-info")
        folder.mkdir()
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" if metadata is None else metadata
        (folder / ("PKG-INFO" if egg else "METADATA")).write_text(text, encoding="utf-8")
        (folder / "entry_points.txt").write_text(f"[quark.plugins]\n{entry_points}\n", encoding="utf-8")

    def plugin(self, name: str, source: str = GOOD, *, dist: str | None = None) -> None:
        """Install a plugin: entry point ``name``, distribution ``quark-name``, module ``quark_name_plugin``."""
        self.module(f"quark_{name}_plugin", source.replace("{prefix}", name))
        self.distribution(dist or f"quark-{name}", f"{name} = quark_{name}_plugin")

    def load(self) -> Registry:
        """Return the registry that a fresh process would have."""
        importlib.invalidate_caches()
        return installed.__wrapped__()


def plugin(registry: Registry, name: str) -> Plugin:
    """Return the one plugin of that name."""
    (found,) = (p for p in registry.plugins if p.name == name)
    return found


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Return an empty site folder; what is imported from it is forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv(ONLY, raising=False)
    monkeypatch.delenv(WITHOUT, raising=False)
    before = set(sys.modules)
    yield Site(tmp_path)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]
