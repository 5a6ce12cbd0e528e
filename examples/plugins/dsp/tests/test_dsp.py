from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import quark_dsp
from quark_core import QuantConfig, Result, quantize
from quark_core.errors import DeviceError, PlanError
from quark_core.testing import DeviceTests, PluginTests

INT24 = 2**23 - 1


class TestPlugin(PluginTests):
    module = "quark_dsp"


class TestDsp(DeviceTests):
    spec = quark_dsp.DSP
    least_decibels = 100.0


class TestNarrow(TestDsp):
    options = {"accumulator": "int24"}


class TestGraphs(TestDsp):
    options = {"graphs": True}


MODES = ("eager_mode", "fx_graph_mode")


def quantized(model: nn.Module, x: Tensor, mode: str = "eager_mode", **fields: Any) -> Result:
    """Return ``model`` quantized and lowered for the DSP; ``fields`` beyond those of a config are its options."""
    options = {key: fields.pop(key) for key in ("accumulator", "graphs") if key in fields}
    config: dict[str, Any] = {
        "mode": mode,
        "device": {"name": "dsp.core", **options},
        "weight": {"dtype": "int8", "qscheme": "per_channel"},
        "input": {"dtype": "int8"},
        **fields,
    }
    torch.manual_seed(1)
    return quantize(model.eval(), QuantConfig.model_validate(config), calibration=[x], lower=True)


def paths(result: Result) -> dict[str, str]:
    lowered: Any = result.lowered
    return {name: path.path for name, path in lowered.layer_paths.items()}


def assert_close(result: Result, x: Tensor) -> None:
    """Check that what is lowered differs by the rounding of float32 only."""
    assert result.lowered is not None
    expected = result.model(x).detach()
    torch.testing.assert_close(result.lowered(x), expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))


CONVOLUTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"stride": 2, "padding": 1},
    {"stride": (1, 3), "padding": (2, 0), "dilation": (1, 2)},
    {"dilation": 2, "groups": 2, "bias": False},
    {"padding": "same", "groups": 4},
)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("how", CONVOLUTIONS)
def test_convolutions_give_the_sums_of_the_quantized_model(mode: str, how: dict[str, Any]) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 4, 11, 12)
    result = quantized(nn.Sequential(nn.Conv2d(4, 8, 3, **how)), x, mode)
    assert paths(result) == {"0": "integer"}
    assert_close(result, x)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(16,), (3, 16), (2, 3, 16)])
def test_linear_layers_take_any_number_of_axes(mode: str, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    result = quantized(nn.Sequential(nn.Linear(16, 4)), torch.randn(shape), mode, output={"dtype": "int8"})
    assert_close(result, torch.randn(shape))


def test_a_layer_may_be_the_whole_model() -> None:
    x = torch.randn(4, 6, 6)
    result = quantized(nn.Conv2d(4, 2, 3), x)
    assert paths(result) == {"": "integer"}
    assert_close(result, x)


def test_sums_beyond_the_whole_numbers_of_float32_are_exact() -> None:
    # An odd sum above 2^24 is no float32.
    layer = nn.Linear(2049, 1, bias=False)
    nn.init.constant_(layer.weight, 127.0)
    x = torch.full((1, 2049), 127.0)
    x[0, 0] = 125.0
    result = quantized(layer, x)
    assert result.lowered is not None
    scale = float(next(result.model.buffers()).flatten()[0])
    assert scale == 1.0
    assert float(result.lowered(x.double())) == 127 * (127 * 2048 + 125)


class Shared(nn.Module):
    """Calls one layer twice, and looks at its weight."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(6, 6)
        self.two = self.one

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.two(self.one(x.to(self.one.weight.dtype)))
        return made


@pytest.mark.parametrize("mode", MODES)
def test_shared_layers_are_lowered_wherever_they_stand(mode: str) -> None:
    x = torch.randn(5, 6)
    result = quantized(Shared(), x, mode)
    assert set(paths(result).values()) == {"integer"}
    assert result.lowered is not None
    left = [module for module in result.lowered.modules() if isinstance(module, nn.Linear)]
    assert mode == "fx_graph_mode" or not left
    assert_close(result, x)


class Shifted(nn.Linear):
    """More than a linear layer."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # as in torch.nn.Linear
        return super().forward(input) + 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("layer", [Shifted(8, 8), nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect")])
def test_layers_that_do_more_stay_as_they_are(mode: str, layer: nn.Module) -> None:
    x = torch.randn(2, 8, 8)
    result = quantized(nn.Sequential(layer), x, mode)
    assert paths(result) == {"0": "simulated"}
    assert result.report.layers[0].why
    assert_close(result, x)


def worst_sums(result: Result) -> Tensor:
    """Return the largest sum that each channel of the one layer can reach."""
    layer: Any
    (layer,) = (module for module in result.model.modules() if hasattr(module, "weight_quantizer"))
    codes = layer.weight.flatten(1) / layer.weight_quantizer.scale[:, None]
    sums: Tensor = codes.round().abs().sum(1) * 128
    return sums


@pytest.mark.parametrize("mode", MODES)
def test_a_narrow_accumulator_never_overflows(mode: str) -> None:
    torch.manual_seed(0)
    wide = nn.Sequential(nn.Linear(3000, 5))
    with torch.no_grad():
        next(wide.parameters())[3] = 0.01
    x = torch.randn(4, 3000)
    before, after = quantized(wide, x, mode), quantized(wide, x, mode, accumulator="int24")
    assert before.report.adjustments == ()
    assert int(worst_sums(before).max()) == 3000 * 127 * 128
    assert 0.4 * INT24 < int(worst_sums(after).max()) <= INT24
    (change,) = after.report.adjustments
    assert change.tensor == "0.weight"
    for number in (3000 * 127 * 128, INT24, int(worst_sums(after).max())):
        assert str(number) in change.why
    assert_close(after, x)


def test_layers_with_room_are_left_alone() -> None:
    result = quantized(nn.Sequential(nn.Linear(500, 5)), torch.randn(4, 500), accumulator="int24")
    assert result.report.adjustments == ()


class Silu(nn.Module):
    """SiLU as a module and as a function."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.act, self.two = nn.Linear(8, 8), nn.SiLU(), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return functional.silu(self.two(self.act(self.one(x))))


def test_graphs_get_a_silu_without_an_exponential() -> None:
    torch.manual_seed(0)
    model, x = Silu().eval(), torch.randn(16, 8)
    plain, result = quantized(model, x, "fx_graph_mode"), quantized(model, x, "fx_graph_mode", graphs=True)
    assert plain.report.adjustments == ()
    assert [change.before for change in result.report.adjustments] == ["SiLU", "SiLU"]
    assert paths(result) == {"one": "integer", "two": "integer"}
    # Replays find what was lowered.
    assert all(layer.final_db is not None for layer in result.report.layers)
    assert not [module for module in result.model.modules() if isinstance(module, nn.SiLU)]
    assert_close(result, x)
    torch.testing.assert_close(result.model(x), model(x), rtol=0, atol=0.2)


def test_executing_does_not_change_the_quantized_model() -> None:
    x = torch.randn(4, 8)
    result = quantized(nn.Sequential(nn.Linear(8, 8)), x)
    device = quark_dsp.DSP.impl.load()(quark_dsp.DspOptions())
    before = result.model(x)
    executor: Any = device.executor(result.model)  # type: ignore[attr-defined]  # Executes is besides Device
    assert executor.layer_paths["0"].path == "integer"
    assert type(result.model[0]).__name__ == "QuantizedLinear"  # type: ignore[index]  # a Sequential
    torch.testing.assert_close(result.model(x), before, rtol=0, atol=0)


def test_scales_along_inputs_are_refused_before_anything_is_run() -> None:
    weight = {"dtype": "int8", "qscheme": "per_channel", "ch_axis": 1}
    with pytest.raises(PlanError, match=r"axis 0 only, and these lie along axis 1[\s\S]*leave ch_axis out"):
        quantized(nn.Sequential(nn.Linear(8, 8)), torch.randn(4, 8), weight=weight)


def test_a_model_that_is_elsewhere_is_refused() -> None:
    device = quark_dsp.DSP.impl.load()(quark_dsp.DspOptions())
    with pytest.raises(DeviceError, match=r"weight is on meta.*model\.cpu\(\)"):
        device.lower(nn.Linear(2, 2, device="meta"))
