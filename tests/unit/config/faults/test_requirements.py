"""What ``requires`` advises: never to install a stranger's package where an installed one was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from quark_core.config.load import loads_config
from quark_core.errors import ConfigError, Problem
from tests.unit.plugin.conftest import Site


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.syspath_prepend(str(tmp_path))
    made = Site(tmp_path)
    made.plugin("acme", dist="quark-acme")
    return made


def fault(requirement: str) -> Problem:
    with pytest.raises(ConfigError) as caught:
        loads_config(f"weight: {{dtype: int8}}\nrequires: ['{requirement}']\n", "yaml")
    (problem,) = caught.value.problems
    return problem


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("name", ["acme", "quark-acmee"])
def test_an_installed_plugin_that_was_meant_is_named(name: str) -> None:
    problem = fault(f"{name}>=0.1")
    assert problem.message == f"{name} is not installed; did you mean quark-acme, which is?"
    assert problem.fix == "write quark-acme>=0.1"


@pytest.mark.usefixtures("site")
def test_what_is_missing_is_to_be_installed() -> None:
    assert fault("quark-nowhere>=1").fix == "pip install 'quark-nowhere>=1'"
    assert fault("quark-acme>=2").fix == "pip install 'quark-acme>=2'"
