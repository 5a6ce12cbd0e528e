"""Lowered layers give what the quantized model gives: linear static and dynamic, convolutions, in both modes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from quark_core import load
from quark_core.engine.modules.layers import QuantizedLayer
from tests.plugins.cpu.shared import INT8, MODES, ROWS8, UINT8, decibels, lowered, outputs, paths, reasons
from tests.unit.engine.sample_nets import PadConv, convnet, images, mlp

X = torch.randn(8, 6, generator=torch.Generator().manual_seed(3))
TOKENS: dict[str, Any] = {"qscheme": "per_token", "is_dynamic": True}
INPUTS: dict[str, dict[str, Any]] = {
    "signed": INT8,
    "unsigned": UINT8,
    "powers": INT8 | {"scale_type": "pof2"},
    "five bits": {"dtype": "int5"},
    "dynamic": INT8 | {"is_dynamic": True},
    "dynamic unsigned": UINT8 | {"is_dynamic": True},
    "tokens": INT8 | TOKENS,
    "tokens unsigned": UINT8 | TOKENS,
}
NEAR = 100.0
"""Decibels between the quantized and the lowered model where both have the same codes."""


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", list(INPUTS))
@pytest.mark.parametrize("weight", [ROWS8, INT8, {"dtype": "int6", "qscheme": "per_channel"}])
def test_linear_layers(mode: str, name: str, weight: dict[str, Any]) -> None:
    result = lowered(mlp(), X, mode=mode, weight=weight, input=INPUTS[name])
    assert paths(result) == {"0": "kernel", "2": "kernel"}
    assert reasons(result) == {"0": "fbgemm linear", "2": "fbgemm linear"}
    assert decibels(*outputs(result, X)) > NEAR
    # Other batches, and values beyond what was calibrated.
    assert decibels(*outputs(result, 3 * X[:5])) > NEAR


@pytest.mark.parametrize("mode", MODES)
def test_more_axes_and_one_row(mode: str) -> None:
    net, x = nn.Sequential(nn.Linear(6, 4)), torch.randn(2, 3, 5, 6)
    for given in (INT8, UINT8 | {"is_dynamic": True}, UINT8 | TOKENS):
        result = lowered(net, x, mode=mode, weight=ROWS8, input=given)
        for inputs in (x, x[0, 0, :1], x[0, 0]):
            exact, found = outputs(result, inputs)
            assert found.shape == exact.shape
            assert decibels(exact, found) > NEAR


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("given", [INT8, UINT8])
@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 8, 3, padding=1),
        nn.Conv2d(4, 8, (3, 1), stride=(2, 1), bias=False),
        nn.Conv2d(4, 8, 3, padding=2, dilation=2, groups=2),
        nn.Conv2d(4, 4, 3, groups=4, padding="same"),
        nn.Conv2d(4, 4, 2, padding="same"),
        nn.Conv2d(4, 4, 3, padding="valid"),
        PadConv(4, 8, 3, stride=2),
    ],
    ids=str,
)
def test_convolutions(mode: str, given: dict[str, Any], layer: nn.Module) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 4, 9, 8) + 0.5
    result = lowered(nn.Sequential(layer), x, mode=mode, weight=ROWS8, input=given)
    assert (paths(result), reasons(result)) == ({"0": "kernel"}, {"0": "oneDNN conv2d"})
    assert decibels(*outputs(result, x)) > NEAR
    assert decibels(*outputs(result, x[:1, :, :7])) > NEAR


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("given", [INT8, UINT8])
@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv1d(4, 8, 3, stride=2, padding=1, groups=2),
        nn.Conv1d(4, 8, 2, padding="same", dilation=3, bias=False),
    ],
    ids=str,
)
def test_convolutions_over_one_axis(mode: str, given: dict[str, Any], layer: nn.Module) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 4, 19) + 0.5
    result = lowered(nn.Sequential(layer), x, mode=mode, weight=ROWS8, input=given)
    assert (paths(result), reasons(result)) == ({"0": "kernel"}, {"0": "oneDNN conv1d"})
    for inputs in (x, x[:1, :, :7], x[0]):
        exact, found = outputs(result, inputs)
        assert found.shape == exact.shape
        assert decibels(exact, found) > NEAR


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_dtypes_than_float32_are_simulated(mode: str, dtype: torch.dtype) -> None:
    why = f"the layer computes in {str(dtype)[6:]}: the kernels take and give float32"
    for layer, x in ((nn.Linear(6, 4), X), (nn.Conv2d(4, 8, 3), torch.randn(2, 4, 9, 8))):
        for given in (UINT8, UINT8 | {"is_dynamic": True}):
            result = lowered(nn.Sequential(layer).to(dtype), x.to(dtype), mode=mode, weight=ROWS8, input=given)
            assert (paths(result), reasons(result)) == ({"0": "simulated"}, {"0": why})
            exact, found = outputs(result, x.to(dtype))
            assert found.dtype == dtype
            assert torch.equal(exact, found)


@pytest.mark.parametrize("mode", MODES)
def test_an_image_without_a_batch(mode: str) -> None:
    net = nn.Sequential(nn.Conv2d(4, 8, 3))
    x = torch.randn(2, 4, 9, 8)
    result = lowered(net, x, mode=mode, weight=ROWS8, input=INT8)
    exact, found = outputs(result, x[0])
    assert found.shape == exact.shape
    assert decibels(exact, found) > NEAR


@pytest.mark.parametrize("mode", MODES)
def test_outputs_stay_on_their_grid(mode: str) -> None:
    result = lowered(mlp(), X, mode=mode, weight=ROWS8, input=INT8, output=INT8)
    exact, found = outputs(result, X)
    scale = next(q.scale for q in result.model.modules() if getattr(q, "key", "") == "2.output")
    assert isinstance(scale, Tensor)
    steps = (found / scale).round()
    torch.testing.assert_close(found, steps * scale)
    # One code at most lies between them, where a value is all but a tie.
    assert float(((found - exact) / scale).abs().max()) <= 1.001


@pytest.mark.parametrize("mode", MODES)
def test_a_whole_network_with_a_batch_norm(mode: str) -> None:
    result = lowered(convnet(), images(), mode=mode, weight=ROWS8, input=UINT8, exclude=["glob:*1"])
    assert decibels(*outputs(result, images())) > 35


REFUSED: list[tuple[dict[str, Any], dict[str, Any] | None, str]] = [
    (ROWS8, None, "its input stays float"),
    ({"dtype": "uint8", "symmetric": False}, INT8, "weight uint8: the kernels take symmetric signed integers"),
    ({"dtype": "fp8_e4m3"}, INT8, "weight fp8_e4m3: the kernels take symmetric signed integers"),
    ({"dtype": "int8", "qscheme": "per_group", "group_size": 2}, INT8, "weight per_group: the kernels take one scale"),
    ({"dtype": "int8", "qscheme": "per_channel", "ch_axis": 1}, INT8, "weight per_channel: the kernels take one scale"),
    (ROWS8, {"dtype": "int16"}, "dtype int16: the kernels take integers of at most 8 bits"),
    (ROWS8, {"dtype": "fp8_e4m3"}, "dtype fp8_e4m3: the kernels take integers of at most 8 bits"),
    (ROWS8, INT8 | {"round_method": "floor"}, "round_method floor: the kernels round half to even"),
    (ROWS8, INT8 | {"qscheme": "per_channel"}, "input per_channel: the kernel takes one fixed scale"),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("weight", "given", "why"), REFUSED)
def test_what_has_no_kernel_is_simulated_with_the_reason(
    mode: str, weight: dict[str, Any], given: dict[str, Any] | None, why: str
) -> None:
    parts = {"weight": weight} | ({"input": given} if given else {})
    result = lowered(mlp(), X, mode=mode, **parts)
    assert paths(result) == {"0": "simulated", "2": "simulated"}
    assert all(reason.startswith(why) for reason in reasons(result).values())
    exact, found = outputs(result, X)
    assert torch.equal(exact, found)


@pytest.mark.parametrize("mode", MODES)
def test_other_layers_are_simulated(mode: str) -> None:
    x = torch.randn(2, 4, 5, 5, 5)
    result = lowered(nn.Sequential(nn.Conv3d(4, 4, 3)), x, mode=mode, weight=ROWS8, input=INT8)
    name = "Conv3d" if mode == "eager_mode" else "conv3d"
    assert reasons(result) == {"0": f"there is no kernel for {name}"}


@pytest.mark.parametrize("mode", MODES)
def test_a_dynamic_convolution(mode: str) -> None:
    x = torch.randn(2, 4, 9, 9)
    net = nn.Sequential(nn.Conv2d(4, 4, 3))
    result = lowered(net, x, mode=mode, weight=ROWS8, input=INT8 | {"is_dynamic": True})
    assert reasons(result) == {"0": "input dynamic per_tensor: the kernel takes one fixed scale"}


class Doubling(nn.Linear):
    """Does more than its class."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # as in torch.nn
        return 2 * super().forward(input)


class Circle(nn.Conv2d):
    """Adds one."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # as in torch.nn
        return super().forward(input) + 1


@pytest.mark.parametrize("mode", MODES)
def test_a_forward_of_its_own_is_not_replaced(mode: str) -> None:
    result = lowered(nn.Sequential(Doubling(6, 4)), X, mode=mode, weight=ROWS8, input=INT8)
    assert reasons(result) == {"0": "its class has a forward of its own"}
    for layer in (Circle(4, 4, 3), nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular")):
        result = lowered(nn.Sequential(layer), torch.randn(1, 4, 5, 5), mode=mode, weight=ROWS8, input=INT8)
        assert reasons(result) == {"0": "it does more than to pad with a fixed number of zeros and to convolve"}


def test_attention_keeps_its_projection() -> None:
    net = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    x = torch.randn(2, 5, 8)
    result = lowered(net, x, weight=ROWS8, input=INT8)
    found = reasons(result)
    assert found["self_attn.out_proj"] == "attention reads the parameters of its projection"
    assert (found["linear1"], found["linear2"]) == ("fbgemm linear", "fbgemm linear")
    assert decibels(*outputs(result, x)) > 40


def test_a_lone_layer_and_one_under_two_names() -> None:
    lone = lowered(nn.Linear(6, 4), X, weight=ROWS8, input=INT8)
    assert decibels(*outputs(lone, X)) > NEAR

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(6, 6)
            self.b = self.a

        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = self.b(self.a(x))
            return result

    both = lowered(Twice(), X, weight=ROWS8, input=INT8)
    assert both.lowered is not None
    assert not any(isinstance(module, QuantizedLayer) for module in both.lowered.modules())
    assert decibels(*outputs(both, X)) > NEAR


@pytest.mark.parametrize("mode", MODES)
def test_a_saved_folder_is_lowered_when_it_is_loaded(mode: str, tmp_path: Any) -> None:
    result = lowered(mlp(), X, mode=mode, weight=ROWS8, input=UINT8)
    result.save(tmp_path / "out")
    assert result.lowered is not None
    again = load(tmp_path / "out", mlp(), lower=True)
    assert torch.equal(again(X), result.lowered(X))
    assert not list((tmp_path / "out").glob("*.pkl"))
