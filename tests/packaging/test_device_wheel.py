"""A device of a third party in a clean environment, with the real command: listed, checked, planned, run, loaded."""

import json
from collections.abc import Iterator

import pytest

from tests.packaging.conftest import ROOT, Installation, build

DSP = ROOT / "examples" / "plugins" / "dsp"

CONFIG = """\
version: 1
device:
  name: dsp.core
  accumulator: int24
weight: {dtype: int8, qscheme: per_channel}
input: {dtype: int8}
verify: {min_sqnr_db: 20}
requires: ["quark-dsp>=0.1"]
"""

MODEL = """\
import torch
from torch import nn


def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.SiLU(), nn.Flatten(), nn.Linear(8 * 16 * 16, 10))


def words():
    return nn.Sequential(nn.Embedding(10, 8), nn.Linear(8, 4))


def data():
    torch.manual_seed(1)
    return [torch.randn(4, 3, 16, 16) for _ in range(3)]
"""

LOADED = """\
import quark_core, torch, pictures

kept = quark_core.load("{folder}", model=pictures.model())
lowered = quark_core.load("{folder}", model=pictures.model(), lower=True)
assert {{path.path for path in lowered.layer_paths.values()}} == {{"integer"}}, lowered.layer_paths
for batch in pictures.data():
    torch.testing.assert_close(lowered(batch), kept(batch).detach(), rtol=1e-5, atol=1e-5)
print(" ".join(sorted(lowered.layer_paths)))
"""


@pytest.fixture(scope="module")
def place(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Return the environment with the device's wheel besides, and a config and a model in its working folder."""
    wheel = build(DSP, tmp_path_factory.mktemp("dsp"))
    installation.run("python", "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel)
    (installation.work / "pictures.py").write_text(MODEL, encoding="utf-8")
    _write(installation, "dsp")
    yield installation
    installation.run("python", "-m", "pip", "uninstall", "-q", "-y", "quark-dsp")


def _write(place: Installation, name: str, *changes: tuple[str, str]) -> str:
    """Write the config with ``changes`` into the working folder and return its file's name."""
    text = CONFIG
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    (place.work / f"{name}.yaml").write_text(text, encoding="utf-8")
    return f"{name}.yaml"


def _quantize(place: Installation, config: str, out: str, *options: str) -> tuple[int, str]:
    """Return the exit status of ``quark quantize`` and what it printed, in one line: tables break where they like."""
    arguments = (config, "--model", "pictures:model", "--data", "pictures:data", "--out", out, *options)
    ran = place.run("quark", "quantize", *arguments, check=False)
    assert "Traceback" not in ran.stdout + ran.stderr
    return ran.returncode, " ".join((ran.stdout + ran.stderr).split())


def test_it_is_listed_with_what_it_takes(place: Installation) -> None:
    text = place.run("quark", "devices").stdout
    (row,) = (line.split() for line in text.splitlines() if line.startswith("dsp.core "))
    assert row == ["dsp.core", "yes", "dsp"]
    described = " ".join(text.partition("dsp.core: ")[2].split())
    assert "weight: int8; qscheme per_channel;" in described
    assert "input and output: int8; qscheme per_tensor;" in described
    assert "of linear and conv2d" in described
    assert "works with mode fx_graph_mode only (graphs true)" in described


def test_its_configs_are_valid(place: Installation) -> None:
    readme = (DSP / "README.md").read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    assert "dsp.core" in readme
    (place.work / "dsp_readme.yaml").write_text(readme, encoding="utf-8")
    graph = _write(place, "dsp_graph", ("accumulator: int24", "graphs: true"), ("version: 1", "mode: fx_graph_mode"))
    place.run("quark", "validate", "dsp.yaml", "dsp_readme.yaml", graph)


@pytest.mark.parametrize(
    ("name", "change", "line", "fix"),
    [
        ("scheme", ("qscheme: per_channel", "qscheme: per_tensor"), 5, "write qscheme: per_channel"),
        ("option", ("accumulator: int24", "accumulator: int16"), 4, "write int32"),
        ("mode", ("accumulator: int24", "graphs: true"), 2, "write mode: fx_graph_mode"),
    ],
)
def test_a_fault_is_reported_at_its_line(
    place: Installation, name: str, change: tuple[str, str], line: int, fix: str
) -> None:
    config = _write(place, f"dsp_{name}", change)
    ran = place.run("quark", "validate", config, check=False)
    text = ran.stdout + ran.stderr
    assert ran.returncode == 1
    assert f"{config}:{line}:" in text
    assert f"fix: {fix}" in text
    assert "1 fault in" in text


def test_a_layer_that_it_does_not_compute_is_refused_by_name(place: Installation) -> None:
    ran = place.run("quark", "plan", "dsp.yaml", "--model", "pictures:words", check=False)
    text = ran.stdout + ran.stderr
    assert ran.returncode == 1
    assert "dsp.yaml:5:" in text
    assert "0.weight (weight): dsp.core takes no weight of embedding" in text
    assert "fix: exclude '0'" in text


def test_what_only_the_device_knows_is_refused_at_its_line(place: Installation) -> None:
    config = _write(place, "dsp_axis", ("qscheme: per_channel", "qscheme: per_channel, ch_axis: 1"))
    ran = place.run("quark", "plan", config, "--model", "pictures:model", check=False)
    text = ran.stdout + ran.stderr
    assert ran.returncode == 1
    assert f"{config}:5:" in text
    assert "fix: leave ch_axis out" in text


def test_the_schema_completes_its_options(place: Installation) -> None:
    place.run("quark", "schema", "--out", "dsp.schema.json")
    text = (place.work / "dsp.schema.json").read_text(encoding="utf-8")
    for known in ('"dsp.core"', '"accumulator"', '"int24"', "Width of the sums of products"):
        assert known in text


def test_it_is_quantized_lowered_saved_and_loaded(place: Installation) -> None:
    status, text = _quantize(place, "dsp.yaml", "dsp_out", "--lower")
    assert status == 0, text
    for kernel in ("int8 conv2d, int32 sums", "int8 matmul, int32 sums"):
        assert kernel in text
    assert " integer " in text
    assert "simulated" not in text
    assert "3.weight largest scale" in text
    assert "24 bits hold 8388607" in text
    assert "scales of 10 of 10 channels doubled" in text
    assert "lowered: " in text
    manifest = json.loads((place.work / "dsp_out" / "manifest.json").read_text(encoding="utf-8"))
    assert "quark-dsp" in json.dumps(manifest)
    assert place.run("python", "-c", LOADED.format(folder="dsp_out")).stdout.split() == ["0", "3"]


def test_a_graph_is_rewritten_lowered_saved_and_loaded(place: Installation) -> None:
    graph = _write(place, "dsp_graph", ("accumulator: int24", "graphs: true"), ("version: 1", "mode: fx_graph_mode"))
    status, text = _quantize(place, graph, "dsp_graph_out", "--lower")
    assert status == 0, text
    assert "1 SiLU hard_silu the DSP has no exponential" in text
    assert "int8 conv2d, int32 sums" in text
    assert place.run("python", "-c", LOADED.format(folder="dsp_graph_out")).stdout.split() == ["0", "3"]


def test_without_lowering_its_own_arithmetic_is_verified(place: Installation) -> None:
    status, text = _quantize(place, "dsp.yaml", "dsp_executed")
    assert status == 0, text
    assert "int8 conv2d, int32 sums" in text


def test_a_model_that_falls_short_is_not_saved(place: Installation) -> None:
    config = _write(place, "dsp_high", ("min_sqnr_db: 20", "min_sqnr_db: 90"))
    status, text = _quantize(place, config, "dsp_high_out", "--lower")
    assert status == 1
    assert f"{config}:7:" in text
    assert "at least 90 are asked. The layers with the most noise: 3 " in text
    assert not (place.work / "dsp_high_out").exists()
