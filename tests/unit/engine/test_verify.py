"""Replays: what the noise of each layer is, alone and together, checked by hand; thresholds."""

import copy
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from quark_core import QuantConfig, Result, load_config, quantize
from quark_core.engine.verify import cumulative, local, record
from quark_core.errors import DataError, DeviceError, VerificationError
from quark_core.plugin import LayerPath
from quark_core.registry import use
from tests.unit.engine.chip import Chip, Final, chip_registry
from tests.unit.engine.sample_nets import INT8, ROWS8, mlp

X = torch.randn(8, 6, generator=torch.Generator().manual_seed(3))
INT3: dict[str, Any] = {"dtype": "int3"}


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    with use(chip_registry()):
        yield


def run(*batches: Tensor, model: nn.Module | None = None, **parts: Any) -> Result:
    config = QuantConfig.model_validate(parts)
    return quantize(model or mlp(), config, calibration=batches or (X,), progress=False)


def decibels(exact: Tensor, changed: Tensor) -> float:
    return float(10 * torch.log10(exact.double().square().sum() / (exact.double() - changed.double()).square().sum()))


@pytest.mark.parametrize("mode", ["eager_mode", "fx_graph_mode"])
def test_local_and_cumulative_noise_by_hand(mode: str) -> None:
    net: Any = mlp()
    result = run(model=net, mode=mode, weight=INT3)
    rows = {layer.name: layer for layer in result.report.layers}
    first, second = (result.model.get_parameter(f"{name}.weight") for name in ("0", "2"))
    with torch.no_grad():
        a = net[0](X)
        b = net[2](a.relu())
        a_quantized = nn.functional.linear(X, first, net[0].bias)
        b_alone = nn.functional.linear(a.relu(), second, net[2].bias)
        b_together = nn.functional.linear(a_quantized.relu(), second, net[2].bias)
    if mode == "fx_graph_mode":
        # There the ReLU belongs to the layer before it.
        a, a_quantized = a.relu(), a_quantized.relu()
    assert rows["0"].local_db == pytest.approx(decibels(a, a_quantized), abs=1e-3)
    assert rows["0"].cumulative_db == pytest.approx(decibels(a, a_quantized), abs=1e-3)
    assert rows["2"].local_db == pytest.approx(decibels(b, b_alone), abs=1e-3)
    assert rows["2"].cumulative_db == pytest.approx(decibels(b, b_together), abs=1e-3)
    assert result.report.output_sqnr_db == rows["2"].cumulative_db
    assert (rows["0"].path, rows["2"].path) == ("simulated", "simulated")


def test_a_layer_that_is_called_twice_counts_both_calls() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(6, 6)

        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = self.fc(self.fc(x))
            return result

    probe = record(Twice(), X, 0, ["fc"])
    assert len(probe.layers["fc"]) == 2
    measured = cumulative(Twice(), [probe])
    assert measured.layers["fc"].values == 2 * 8 * 6


def test_a_model_that_changes_nothing_is_exact() -> None:
    net = mlp()
    probe = record(net, X, 0, ["0", "2"])
    assert {name: sqnr.db for name, sqnr in local(net, [probe]).items()} == {"0": math.inf, "2": math.inf}
    assert cumulative(net, [probe]).outputs.db == math.inf
    assert cumulative(net, [probe]).agreement == 1.0


@pytest.mark.parametrize("mode", ["eager_mode", "fx_graph_mode"])
def test_of_outputs_beyond_the_budget_a_sample_is_compared(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(3000, 6)
    whole = run(x, mode=mode, weight=INT3, input=INT8).report
    monkeypatch.setattr("quark_core.engine.verify._BUDGET", 3000 * 16 * 4)
    monkeypatch.setattr("quark_core.engine.verify._SAMPLE", 1000)
    sampled = run(x, mode=mode, weight=INT3, input=INT8).report
    assert [layer.local_db for layer in sampled.layers] == [None, None]
    assert sampled.layers[0].cumulative_db == whole.layers[0].cumulative_db
    assert sampled.layers[1].cumulative_db == pytest.approx(whole.layers[1].cumulative_db, abs=1)
    assert sampled.layers[1].cumulative_db != whole.layers[1].cumulative_db
    assert sampled.output_sqnr_db == whole.output_sqnr_db


def test_agreement_is_the_share_of_rows_that_keep_their_largest_value() -> None:
    class Outputs(nn.Module):
        def __init__(self, values: list[list[float]]) -> None:
            super().__init__()
            self.values = values

        def forward(self, x: Tensor) -> Tensor:
            return torch.tensor(self.values) + 0 * x.sum()

    probe = record(Outputs([[1, 2, 3], [3, 2, 1], [0, 5, 0], [9, 0, 0]]), X, 0, [])
    assert cumulative(Outputs([[1, 2, 3], [3, 2, 1], [0, 5, 9], [9, 0, 0]]), [probe]).agreement == 0.75


def test_several_probe_batches_and_none() -> None:
    more = [X, X + 1, X - 1]
    report = run(*more, weight=INT8, input=INT8, verify={"probe_batches": 2}).report
    assert report.probe_batches == 2
    assert "over the first 2 of 3 batches" in str(report)
    report = run(*more, weight=INT8, input=INT8, verify={"probe_batches": 0}).report
    assert (report.probe_batches, report.layers, report.output_sqnr_db) == (0, (), None)
    assert "output SQNR: not measured, verify replays no batch" in str(report)


def test_the_devices_own_arithmetic_is_replayed_and_named() -> None:
    report = run(device={"name": "acme.chip", "noisy": True}, weight=ROWS8).report
    assert report.final is not None
    assert report.final.kind == "executor"
    assert report.final.output_sqnr_db is not None
    assert report.output_sqnr_db is not None
    assert report.final.output_sqnr_db < 10 < report.output_sqnr_db
    assert (report.layers[0].path, report.layers[0].why) == ("integer", "by hand")
    assert "executor: " in str(report)


class Branches(nn.Module):
    """Calls one of its two layers only."""

    def __init__(self) -> None:
        super().__init__()
        self.used, self.idle = nn.Linear(6, 4), nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.used(x) if x.shape[-1] == 6 else self.idle(x)
        return result


def test_quantizers_that_never_ran_are_named() -> None:
    dynamic = {"dtype": "int8", "is_dynamic": True}
    report = run(model=Branches(), weight=INT8, input=dynamic).report
    assert report.never_ran == ("idle.input",)
    assert "never ran: the replayed batches reached no quantizer of idle.input\n" in str(report)
    assert run(model=Branches(), weight=INT8, input=dynamic, verify={"probe_batches": 0}).report.never_ran == ()
    assert "never ran" not in str(run(weight=INT8, input=dynamic).report)


def test_many_that_never_ran_are_counted() -> None:
    idle = nn.ModuleList(nn.Linear(6, 4) for _ in range(8))
    model = Branches()
    model.more = idle
    report = run(model=model, weight=INT8, input={"dtype": "int8", "is_dynamic": True}).report
    assert len(report.never_ran) == 9
    assert "more.3.input and 4 more" in str(report)


def test_a_device_with_nothing_to_prove() -> None:
    report = run(device={"name": "acme.chip", "proves": False}, weight=ROWS8).report
    assert (report.final, report.final_note) == (None, "nothing to prove")
    assert "executor: none, nothing to prove" in str(report)


def zeroes(model: nn.Module) -> None:
    with torch.no_grad():
        next(model.parameters()).zero_()


def replaces(model: nn.Module) -> None:
    model.add_module("0", nn.Identity())


@pytest.mark.parametrize(("damage", "part"), [(zeroes, "0.weight"), (replaces, "0 (module)")])
def test_an_executor_that_changes_the_result_is_refused(
    damage: Callable[[nn.Module], None], part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def executor(_chip: Chip, model: nn.Module) -> nn.Module:
        made = copy.deepcopy(model)
        damage(model)
        return made

    monkeypatch.setattr(Chip, "executor", executor)
    with pytest.raises(DeviceError, match=re.escape(f"executor() changed {part!r} of the model")):
        run(device="acme.chip", weight=ROWS8)


def test_paths_of_layers_that_are_none_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = {"0": LayerPath("kernel"), "nope": LayerPath("kernel")}
    monkeypatch.setattr(Chip, "executor", lambda _chip, model: Final(copy.deepcopy(model), paths, 0.0))
    with pytest.raises(DeviceError, match="layer_paths names 'nope', which is no layer of the model"):
        run(device="acme.chip", weight=ROWS8)


def test_a_path_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"LayerPath\('magic'\): there are kernel, integer, "):
        LayerPath("magic")


def test_a_shortfall_names_the_line_and_the_worst_layers(tmp_path: Path) -> None:
    file = tmp_path / "net.yaml"
    file.write_text("weight: {dtype: int3}\nverify:\n  min_sqnr_db: 40\n  min_agreement: 1\n", encoding="utf-8")
    with pytest.raises(VerificationError) as caught:
        quantize(mlp(), load_config(file), calibration=[X], progress=False)
    text = str(caught.value)
    assert "net.yaml:3:16: verify.min_sqnr_db: the outputs have " in text or "net.yaml:3:3: verify.min_sqnr_db" in text
    assert "at least 40 are asked" in text
    assert "The layers with the most noise: " in text
    assert "0 " in text
    assert "2 " in text
    assert caught.value.report.layers  # type: ignore[attr-defined]  # the error knows it as an object


def test_the_final_model_is_what_must_reach_it() -> None:
    parts: dict[str, Any] = {"weight": ROWS8, "verify": {"min_sqnr_db": 20}}
    run(device={"name": "acme.chip"}, **parts)
    with pytest.raises(VerificationError, match=r"^verify\.min_sqnr_db: the outputs have -?\d"):
        run(device={"name": "acme.chip", "noisy": True}, **parts)


@pytest.mark.parametrize("name", ["min_sqnr_db", "min_agreement"])
def test_what_cannot_be_checked_is_an_error(name: str) -> None:
    config = QuantConfig.model_validate({"weight": INT8, "verify": {name: 0.5}})
    with pytest.raises(DataError, match=rf"^verify\.{name}: nothing was replayed"):
        quantize(mlp(), config, progress=False)


def test_outputs_without_rows_have_no_agreement() -> None:
    net = nn.Sequential(nn.Linear(6, 1))
    assert run(model=net, weight=INT8).report.agreement is None
    with pytest.raises(DataError, match="the model has no outputs with rows of several values"):
        run(model=net, weight=INT8, verify={"min_agreement": 0.5})


@pytest.mark.parametrize("verify", [{"min_agreement": 1.1}, {"min_agreement": -1}, {"probe_batches": -1}, {"least": 1}])
def test_what_verify_takes(verify: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="verify"):
        QuantConfig.model_validate({"weight": INT8, "verify": verify})
