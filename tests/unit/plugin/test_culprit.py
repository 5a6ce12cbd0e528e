"""Whose code an exception came up in."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

from quark_core.plugin.culprit import find_culprit
from tests.unit.plugin.conftest import Site

CODE = "def use(call):\n    return call()\n\ndef burst():\n    return 1 / 0\n"


def caught(call: Callable[[], object]) -> Exception:
    with pytest.raises(ZeroDivisionError) as info:
        call()
    return info.value


@pytest.fixture
def burst(site: Site) -> Callable[[], object]:
    site.plugin("acme")
    package = site.folder / "wide" / "quark_part"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("QUARK_API = 1\n", encoding="utf-8")
    (site.folder / "wide" / "code.py").write_text(CODE, encoding="utf-8")
    site.distribution("quark-wide", "wide = wide.quark_part", version="2.0")
    importlib.invalidate_caches()
    found: Callable[[], object] = importlib.import_module("wide.code").burst
    return found


def test_the_plugin_whose_code_raised_is_named_with_its_line(site: Site, burst: Callable[[], object]) -> None:
    found = find_culprit(caught(burst))
    assert found is not None
    assert (found.plugin, found.dist) == ("wide", "quark-wide 2.0")
    assert found.place == f"{Path(site.folder, 'wide', 'code.py')}:5"


def test_what_a_plugin_calls_is_its_own_affair(burst: Callable[[], object]) -> None:
    use = importlib.import_module("wide.code").use
    found = find_culprit(caught(lambda: use(lambda: 1 / 0)))
    assert found is not None
    assert found.place.endswith("code.py:2")


def test_in_a_package_of_two_plugins_nobody_is_accused(site: Site, burst: Callable[[], object]) -> None:
    site.distribution("quark-other", "other = wide.quark_other")
    assert find_culprit(caught(burst)) is None


@pytest.mark.usefixtures("burst")
def test_code_of_nobody_else_has_no_culprit() -> None:
    assert find_culprit(caught(lambda: 1 / 0)) is None
