"""The main job from model to result: data in every form, errors by name, and nothing done to the original."""

import copy
import math
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from quark_core import load_config
from quark_core.engine.pipeline import quantize
from quark_core.engine.quantizer import quantizers
from quark_core.errors import DataError, DeviceError, ModelError, PlanError, UsageError
from quark_core.registry import Registry
from tests.unit.engine.sample_nets import DYNAMIC, INT8, ROWS8, Branching, config, convnet, images, mlp, run

X = torch.randn(8, 6, generator=torch.Generator().manual_seed(3))


def scales(model: nn.Module) -> dict[str, list[float]]:
    return {q.key: q.scale.tolist() for q in quantizers(model) if q.scale is not None}


def test_the_original_is_not_changed_bit_for_bit() -> None:
    net, batch = convnet().train(), images()
    before, modules = copy.deepcopy(net.state_dict()), list(net.modules())
    net[0].weight.requires_grad = False
    run(net, batch, weight=ROWS8, input=INT8, output=INT8, bias=INT8)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert list(net.modules()) == modules
    assert all(module.training for module in net.modules())
    assert [p.requires_grad for p in net[0].parameters()] == [False, True]
    assert {type(m).__name__ for m in net.modules()}.isdisjoint({"Quantizer", "QuantizedPadConv"})


def test_every_form_of_a_batch_gives_the_same_result() -> None:
    results = [run(mlp(), batch, weight=ROWS8, input=INT8) for batch in (X, (X,), [X], {"input": X})]
    assert all(scales(r.model) == scales(results[0].model) for r in results)
    assert all(torch.equal(r.model(X), results[0].model(X)) for r in results)


def test_one_batch_or_two_make_no_difference_to_min_max() -> None:
    one, two = run(mlp(), X, weight=ROWS8, input=INT8), run(mlp(), X[:3], X[3:], weight=ROWS8, input=INT8)
    assert scales(one.model) == scales(two.model)
    assert torch.equal(one.model(X), two.model(X))
    assert (one.report.batches, two.report.batches) == (1, 2)


def test_no_more_batches_are_run_than_the_config_says() -> None:
    taken: list[int] = []

    def endless() -> Iterator[Tensor]:
        while True:
            taken.append(1)
            yield X * len(taken)

    made = config(input=INT8, calibration={"batches": 3})
    result = quantize(mlp(), made, calibration=endless(), progress=False)
    assert (len(taken), result.report.batches) == (3, 3)
    largest = ((X * 3).abs().max().double() / 127).float().item()
    assert scales(result.model)["0.input"] == [largest]


def test_only_the_first_batch_is_run_when_no_scale_needs_data() -> None:
    result = run(mlp(), X, X, X, weight=ROWS8, input=DYNAMIC)
    assert result.report.batches == 1
    assert result.report.output_sqnr_db is not None
    assert result.report.output_sqnr_db > 30


@pytest.mark.parametrize("settings", [{"weight": ROWS8}, {"input": DYNAMIC}, {"weight": INT8, "bias": INT8}])
def test_no_data_are_needed_without_static_activations(settings: dict[str, Any]) -> None:
    result = run(mlp(), **settings)
    assert (result.report.batches, result.report.output_sqnr_db, result.data_sha256) == (0, None, None)


@pytest.mark.parametrize("data", [None, [], iter(())])
def test_missing_data_are_an_error_that_names_a_layer(data: Any) -> None:
    expected = r"calibration data are needed: 0\.input and 1 more activations have a static scale; give calibration"
    with pytest.raises(DataError, match=expected):
        quantize(mlp(), config(input=INT8), calibration=data, progress=False)


def test_a_batch_of_nothing_is_no_batch() -> None:
    with pytest.raises(DataError, match="batch 0 is NoneType"):
        quantize(mlp(), config(input=INT8), calibration=[None], progress=False)


@pytest.mark.parametrize(("bad", "word"), [(math.nan, "1 NaN"), (math.inf, "1 Inf"), (-math.inf, "1 Inf")])
def test_bad_weights_are_named_before_they_spread(bad: float, word: str) -> None:
    net = mlp()
    with torch.no_grad():
        net.get_parameter("0.weight")[2, 3] = bad
    with pytest.raises(DataError, match=rf"^0\.weight: {word} found; quantized ranges need finite values"):
        run(net, X, weight=INT8, input=INT8)


@pytest.mark.parametrize("dtype", ["bfloat16", "mx"])
def test_bad_weights_are_named_in_formats_without_a_range_too(dtype: str) -> None:
    net = nn.Linear(32, 4)
    with torch.no_grad():
        net.weight[0, 0] = math.nan
    with pytest.raises(DataError, match=r"^weight: 1 NaN found"):
        run(net, weight={"dtype": dtype})


def test_bad_data_are_named() -> None:
    bad = X.clone()
    bad[0, 0], bad[1, :2] = math.nan, math.inf
    with pytest.raises(DataError, match=r"^0\.input: 1 NaN and 2 Inf found"):
        run(mlp(), X, bad, input=INT8)


def test_a_layer_that_no_batch_reaches_is_named() -> None:
    with pytest.raises(
        DataError, match=r"^down\.input: no calibration batch reached 'down', so its range is not known"
    ):
        run(Branching(), X, input=INT8)
    result = run(Branching(), X, input=INT8, layers=[{"match": "down", "input": DYNAMIC}])
    rows = {row.key: row.sqnr_db for row in result.report.tensors}
    assert rows["down.input"] is None
    assert rows["up.input"] is not None


def test_a_batch_that_does_not_fit_is_a_data_error() -> None:
    with pytest.raises(DataError, match=r"batch 1 \(float32\[2, 5\]\): the model raised RuntimeError"):
        run(mlp(), X, torch.zeros(2, 5), input=INT8)


@pytest.mark.parametrize("model", ["net", None, mlp, {"a": 1}])
def test_what_is_no_module_is_refused(model: Any) -> None:
    with pytest.raises(ModelError, match=r"a torch\.nn\.Module is needed, not \w+"):
        quantize(model, config(weight=INT8))


def test_what_is_no_config_is_refused() -> None:
    with pytest.raises(UsageError, match="config must be a QuantConfig, not dict; see load_config"):
        quantize(mlp(), {"weight": INT8})  # type: ignore[arg-type]  # what this test is about


def test_a_model_that_cannot_be_copied_is_refused() -> None:
    net = mlp()
    setattr(net[0], "gen", (i for i in range(3)))  # noqa: B010 - torch does not declare it
    with pytest.raises(ModelError, match="the model cannot be copied: TypeError"):
        run(net, weight=INT8)


def test_plan_errors_come_through() -> None:
    with pytest.raises(PlanError, match="pattern 'fc' matches no layer"):
        run(mlp(), weight=INT8, exclude=["fc"])


def test_a_model_that_works_in_place_is_measured_on_the_same_data() -> None:
    class InPlace(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(6, 4)

        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = self.fc(x.mul_(2))
            return result

    db = run(InPlace(), X.clone(), weight=ROWS8, input=INT8).report.output_sqnr_db
    assert db is not None
    assert db > 30


def test_outputs_without_floats_have_no_ratio() -> None:
    class Arg(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(6, 4)

        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = self.fc(x).argmax(1)
            return result

    report = run(Arg(), X, weight=INT8).report
    assert report.output_sqnr_db is None
    assert "output SQNR: not measured, the outputs hold no floats" in report.summary()


def test_a_progress_bar_is_drawn_only_when_asked_or_watched(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    quantize(mlp(), config(input=INT8), calibration=[X])
    assert capsys.readouterr() == ("", "")
    quantize(mlp(), config(input=INT8), calibration=[X], progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "calibrating" in err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    quantize(mlp(), config(input=INT8), calibration=[X])
    assert "calibrating" in capsys.readouterr().err


def test_the_registry_given_is_the_one_used() -> None:
    made = config(weight=INT8)
    with pytest.raises(Exception, match="no installed plugin adds mode 'eager_mode'; there are none"):
        quantize(mlp(), made, registry=Registry())


IPU = {"dtype": "int8", "scale_type": "pof2"}


def test_the_ipu_gets_power_of_two_scales() -> None:
    result = run(mlp(), X, device="IPU", mode="fx_graph_mode", weight=IPU, bias=IPU, input=IPU, output=IPU)
    found = scales(result.model)
    # The input of the second layer is the output of the first.
    assert len(found) == 7
    assert all(math.frexp(s)[0] == 0.5 for values in found.values() for s in values)
    assert result.report.device_note is not None
    assert "device: IPU (no runtime of the Ryzen AI NPU" in str(result.report)


@pytest.mark.parametrize("change", [{"scale_type": "float"}, {"dtype": "int4"}, {"qscheme": "per_channel"}])
def test_the_ipu_refuses_other_weights_when_the_config_is_made(change: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="IPU"):
        config(device="IPU", mode="fx_graph_mode", weight=IPU | change)


def test_the_ipu_refuses_scales_that_are_no_powers_of_two_and_does_not_run() -> None:
    from quark_ipu import IpuOptions
    from quark_ipu.device import Ipu

    device = Ipu(IpuOptions())
    final = run(mlp(), weight=INT8).model
    with pytest.raises(DeviceError, match=r"^0\.weight: the IPU needs power-of-two scales; write scale_type: pof2"):
        device.adjust(final)
    with pytest.raises(DeviceError, match="no runtime of the Ryzen AI NPU can be reached"):
        device.lower(final)


def test_a_config_from_a_file_runs_and_its_lines_are_in_the_report(tmp_path: Any) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("weight: {dtype: int8}\n", encoding="utf-8")
    report = quantize(mlp(), load_config(path)).report
    assert [row.rule for row in report.tensors] == ["weight (net.yaml:1)"] * 2
