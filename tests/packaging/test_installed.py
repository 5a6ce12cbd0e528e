"""A third-party plugin in a clean environment, with the real command: found, checked, run, missed when gone."""

import json
import shutil
from pathlib import Path

import pytest

from tests.packaging.conftest import EXAMPLE, Installation

CONFIG = """\
version: 1
weight: {dtype: acme.int3, qscheme: per_channel}
input:
  dtype: int8
  observer:
    name: acme.ema
    momentum: 0.8
requires: ["quark-acme>=0.1"]
"""

MODEL = """\
import torch


def model():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4))


def data():
    torch.manual_seed(1)
    return [torch.randn(4, 8) for _ in range(3)]
"""


@pytest.fixture
def place(installation: Installation) -> Installation:
    """Return the environment, with the config and the model in its working folder."""
    (installation.work / "acme.yaml").write_text(CONFIG, encoding="utf-8")
    (installation.work / "tiny.py").write_text(MODEL, encoding="utf-8")
    return installation


def test_nothing_comes_from_the_checkout(place: Installation) -> None:
    names = ("quark_core", "quark_acme", "quark_dtypes")
    code = f"import {', '.join(names)}; print({', '.join(f'{name}.__file__' for name in names)})"
    for path in place.run("python", "-c", code).stdout.split():
        assert Path(path).is_relative_to(place.bin.parent)


def test_its_plugins_are_listed(place: Installation) -> None:
    text = place.run("quark", "plugins").stdout
    assert "acme" in text
    assert "quark-acme" in text
    listed = json.loads(place.run("quark", "plugins", "--json").stdout)
    assert "acme.int3" in json.dumps(listed)


def test_a_config_that_uses_it_is_valid(place: Installation) -> None:
    place.run("quark", "validate", "acme.yaml")


def test_its_configs_are_valid(place: Installation) -> None:
    place.run("quark", "validate", *sorted((EXAMPLE / "configs").iterdir()))


def test_a_wrong_option_is_reported_at_its_line(place: Installation) -> None:
    (place.work / "wrong.yaml").write_text(CONFIG.replace("momentum: 0.8", "momentum: 1.5"), encoding="utf-8")
    ran = place.run("quark", "validate", "wrong.yaml", check=False)
    assert ran.returncode == 1
    assert "wrong.yaml:7:" in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr


def test_the_schema_completes_its_options(place: Installation) -> None:
    place.run("quark", "schema", "--out", "quark.schema.json")
    text = (place.work / "quark.schema.json").read_text(encoding="utf-8")
    assert "acme.int3" in text
    assert "Weight kept from earlier batches" in text


def test_it_runs_end_to_end(place: Installation) -> None:
    arguments = ("acme.yaml", "--model", "tiny:model", "--data", "tiny:data", "--out", "out")
    ran = place.run("quark", "quantize", *arguments)
    assert "acme.int3" in ran.stdout + ran.stderr
    assert {path.name for path in (place.work / "out").iterdir()} >= {
        "config.json",
        "manifest.json",
        "model.safetensors",
    }


def test_its_own_tests_pass(place: Installation) -> None:
    copy = place.work / "example"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("src", "__pycache__", ".*"), dirs_exist_ok=True)
    text = place.run("python", "-m", "pytest", copy, "-c", copy / "pyproject.toml").stdout
    for suite in ("PluginTests[quark_acme]", "DtypeTests[acme.int3]", "ObserverTests[acme.ema]"):
        assert f"quark conformance: {suite} " in text


def test_without_it_the_config_says_what_is_missing(place: Installation) -> None:
    place.run("python", "-m", "pip", "uninstall", "-q", "-y", "quark-acme")
    try:
        ran = place.run("quark", "validate", "acme.yaml", check=False)
        text = ran.stdout + ran.stderr
        assert ran.returncode == 1
        assert "Traceback" not in text
        for missing in ("acme.int3", "acme.ema", "quark-acme>=0.1"):
            assert missing in text
        bundled = place.run("quark", "plugins").stdout
        assert "quark_dtypes" in bundled
        assert "acme" not in bundled
    finally:
        place.run("python", "-m", "pip", "install", "-q", "--no-deps", "--no-index", place.acme)
