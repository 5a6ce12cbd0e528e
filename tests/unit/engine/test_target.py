"""A device resolves its options, refines the plan, rewrites the graph, adjusts scales and lowers; folders keep it."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from quark_core import QuantConfig, Result, load, quantize
from quark_core.config.load import loads_config
from quark_core.errors import ArtifactError, DeviceError, PlanError, Problem
from quark_core.plugin import Adjustment, LayerPath
from quark_core.registry import Registry, use
from tests.unit.engine.chip import chip_registry
from tests.unit.engine.sample_nets import INT8, ROWS8, mlp

X = torch.randn(8, 6, generator=torch.Generator().manual_seed(3))


@pytest.fixture(autouse=True)
def registry() -> Iterator[Registry]:
    with use(chip_registry()) as active:
        yield active


def run(lower: bool = False, mode: Any = "eager_mode", **options: Any) -> Result:
    config = QuantConfig.model_validate(
        {"device": {"name": "acme.chip", **options}, "mode": mode, "weight": ROWS8, "input": INT8}
    )
    return quantize(mlp(), config, calibration=[X], lower=lower, progress=False)


def dtypes(result: Result) -> dict[str, str]:
    return {t.key: t.settings.dtype.name for t in result.plan.tensors() if t.role == "input"}


def test_open_options_are_settled_by_what_is_to_run() -> None:
    assert dtypes(run()) == {"0.input": "int8", "2.input": "int8"}
    assert dtypes(run(lower=True)) == {"0.input": "acme.int6", "2.input": "acme.int6"}


def test_every_change_is_reported() -> None:
    result = run(bits="six")
    assert result.report.adjustments == (
        Adjustment("0.input", "int8", "acme.int6", "only six here"),
        Adjustment("2.input", "int8", "acme.int6", "only six here"),
        Adjustment("0.weight", "narrow", "wide", "twice is safe"),
    )
    text = str(result.report)
    assert "changed by the device" in text
    assert "0.weight" in text.partition("changed by the device")[2].partition("twice is safe")[0]


def test_passes_run_before_the_plan_and_are_reported() -> None:
    result = run(mode="fx_graph_mode", rewrites=True)
    assert Adjustment("1", "ReLU", "twice a ReLU", "it likes that") in result.report.adjustments
    assert "1.add.input" in [tensor.key for tensor in result.plan.tensors()]
    assert "torch.add(" in str(result.model.code)


def test_what_passes_cost_counts_in_the_outputs() -> None:
    net = mlp()
    result = run(mode="fx_graph_mode", rewrites=True)
    with torch.no_grad():
        exact, found = net(X), result.model(X)
    noise = float((exact - found).square().sum() / exact.square().sum())
    assert result.report.output_sqnr_db == pytest.approx(-10 * math.log10(noise), abs=1e-3)
    # Layers are compared in the graph as it was rewritten.
    assert all((layer.cumulative_db or 0) > 20 for layer in result.report.layers)
    assert result.report.output_sqnr_db is not None
    assert result.report.output_sqnr_db < 10


def test_passes_need_a_graph() -> None:
    with pytest.raises(DeviceError, match=r"^acme\.chip rewrites the graph of a model \(doubled\), and eager_mode has"):
        run(rewrites=True)


def test_lowering_gives_what_the_device_makes_and_leaves_the_quantized_model() -> None:
    result = run(lower=True, noisy=True)
    assert result.lowered is not None
    assert not result.lowered.training
    assert torch.equal(result.lowered(X), result.model(X) + 1)
    assert run().lowered is None


def test_a_device_that_is_not_here_is_refused_before_the_long_work(tmp_path: Path) -> None:
    tensor = {"dtype": "int8", "scale_type": "pof2"}
    parts = dict.fromkeys(("weight", "bias", "input", "output"), tensor)
    config = QuantConfig.model_validate({"device": "IPU", "mode": "fx_graph_mode", **parts})
    ran: list[int] = []

    def batches() -> Iterator[torch.Tensor]:
        ran.append(1)
        yield X

    with pytest.raises(DeviceError, match=r"^the model cannot be lowered to IPU here: no runtime .*; leave out lower$"):
        quantize(mlp(), config, calibration=batches(), lower=True, progress=False)
    assert not ran
    quantize(mlp(), config, calibration=[X], progress=False).save(tmp_path / "out")
    with pytest.raises(DeviceError, match="the model cannot be lowered to IPU here"):
        load(tmp_path / "out", mlp(), lower=True)


def test_a_folder_keeps_what_was_settled(tmp_path: Path) -> None:
    result = run(lower=True)
    result.save(tmp_path / "out")
    noted = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))["device"]
    assert noted == {"name": "acme.chip", "bits": "six", "rewrites": False, "noisy": False, "proves": True}
    again = load(tmp_path / "out", mlp())
    assert torch.equal(again(X), result.model(X))
    lowered: Any = load(tmp_path / "out", mlp(), lower=True)
    assert torch.equal(lowered(X), result.model(X))
    assert lowered.layer_paths == {"0": LayerPath("kernel", "chip_linear")}


def test_a_folder_with_options_that_the_device_does_not_take(tmp_path: Path) -> None:
    run().save(tmp_path / "out")
    path = tmp_path / "out" / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"bits": "eight"', '"bits": "nine"'), encoding="utf-8")
    with pytest.raises(ArtifactError, match="its manifest holds options that the device does not take"):
        load(tmp_path / "out", mlp())


def test_a_folder_of_an_earlier_version_notes_no_device(tmp_path: Path) -> None:
    result = run()
    result.save(tmp_path / "out")
    path = tmp_path / "out" / "manifest.json"
    noted = json.loads(path.read_text(encoding="utf-8"))
    del noted["device"]
    path.write_text(json.dumps(noted), encoding="utf-8")
    assert torch.equal(load(tmp_path / "out", mlp())(X), result.model(X))


@pytest.mark.parametrize(
    ("path", "place"),
    [(("mode", "leaves"), "a.yaml:1:29"), (("mode", "leaves", 5), "a.yaml:1:29"), (("device",), "None")],
)
def test_what_a_mode_finds_wrong_is_shown_at_its_line(
    path: tuple[str | int, ...], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = loads_config("mode: {name: fx_graph_mode, leaves: [Odd]}\nweight: {dtype: int8}\n", "yaml", file="a.yaml")

    def outline(*_: Any) -> Any:
        raise PlanError([Problem("no module is Odd", "write another", path)])

    monkeypatch.setattr("quark_fx.mode.FxGraph.outline", outline)
    with pytest.raises(PlanError) as caught:
        quantize(mlp(), config, progress=False)
    [problem] = caught.value.problems
    assert str(problem.place) == place
