"""The life of a quantizer: observes, is calibrated, quantizes; and finding them in a model."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from quark_core.config.resolve import resolve
from quark_core.engine.quantizer import Quantizer, parameter_quantizers, quantizer_buffers, quantizers
from quark_core.errors import DataError, ModelError
from quark_core.plugin import Settings
from quark_core.plugin.plan import Origin, TensorPlan
from quark_observers.min_max import MinMax
from tests.unit.engine.sample_nets import INT8, ROWS8, config, grid8, mlp, run

Make = Callable[..., Quantizer]


@pytest.fixture
def quantizer() -> Make:
    def build(role: str = "input", **settings: Any) -> Quantizer:
        tensor = config(**{role: INT8 | settings}).role(role)
        assert tensor is not None
        return Quantizer(TensorPlan("fc", role, role, resolve(tensor, channel_axis=0), Origin(role)))

    return build


def test_it_observes_then_quantizes(quantizer: Make) -> None:
    made = quantizer()
    x, y = torch.randn(4, 6), torch.randn(4, 6) * 3
    assert made(x) is x
    assert made(y) is y
    assert (made.calls, made.params) == (2, None)
    made.calibrated()
    made.quantizing = True
    peak = torch.cat((x, y)).abs().max()
    params = made.params
    assert params is not None
    assert params.scale.tolist() == [(peak.double() / 127).float().item()]
    assert made.observer is None
    assert torch.equal(made(torch.cat((x, y))), grid8(torch.cat((x, y))))
    assert made.calls == 2


def test_values_beyond_what_was_seen_saturate(quantizer: Make) -> None:
    made = quantizer()
    made(torch.tensor([1.0, -1.0]))
    made.calibrated()
    made.quantizing = True
    scale = torch.tensor(1 / 127)
    assert torch.equal(made(torch.tensor([5.0, -5.0])), torch.stack((127 * scale, -128 * scale)))


def test_asymmetric_ranges_have_a_zero_point(quantizer: Make) -> None:
    made = quantizer(dtype="uint8", symmetric=False)
    made(torch.tensor([-1.0, 1.55]))
    made.calibrated()
    assert made.zero_point is not None
    assert made.zero_point.tolist() == [100.0]


@pytest.mark.parametrize("settings", [{"is_dynamic": True}, {"dtype": "mx"}, {"dtype": "bfloat16"}])
def test_some_have_nothing_to_observe(quantizer: Make, settings: dict[str, Any]) -> None:
    made = quantizer(**settings)
    assert made.observer is None
    made.calibrated()
    assert made.params is None
    made.quantizing = True
    assert made(torch.randn(2, 32)).shape == (2, 32)


def test_what_was_never_reached_has_no_range(quantizer: Make) -> None:
    with pytest.raises(DataError, match=r"^fc\.input: no calibration batch reached 'fc'"):
        quantizer().calibrated()


def test_snapped_parameters_keep_their_codes(quantizer: Make) -> None:
    made, weight = quantizer("weight", dtype="int4", qscheme="per_channel"), torch.randn(3, 8)
    made.observe(weight)
    made.calibrated()
    snapped = made.snap(nn.Parameter(weight))
    assert torch.equal(made.snap(snapped), snapped)
    assert made.packed is not None
    assert (made.packed.numel(), made.float_bytes) == (12, 96)
    made.quantizing = True
    assert torch.equal(made(weight), snapped)


def test_scales_move_with_the_model(quantizer: Make) -> None:
    made = quantizer()
    made(torch.ones(2))
    made.calibrated()
    assert list(made.state_dict()) == ["scale", "zero_point"]
    made.to("meta")
    assert made.scale is not None
    assert made.scale.device.type == "meta"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_scales_stay_float32_when_the_model_is_cast(dtype: torch.dtype) -> None:
    x = torch.randn(8, 6)
    final = run(mlp(), x, weight=ROWS8, input=INT8).model
    expected, before = final(x), [q.scale for q in quantizers(final)]
    final.to(dtype)
    assert torch.allclose(final(x.to(dtype)).float(), expected, atol=0.1)
    for quantizer, scale in zip(quantizers(final), before, strict=True):
        assert torch.equal(torch.as_tensor(quantizer.scale), torch.as_tensor(scale))


def test_copies_are_independent(quantizer: Make) -> None:
    made = quantizer()
    made(torch.ones(2))
    other = copy.deepcopy(made)
    other(torch.full((2,), 9.0))
    made.calibrated()
    other.calibrated()
    assert made.scale is not None
    assert other.scale is not None
    assert (other.scale / made.scale).item() == pytest.approx(9.0)


def test_parameter_quantizers_name_their_parameter() -> None:
    final = run(mlp(), weight=ROWS8, bias=INT8, input=INT8 | {"is_dynamic": True}).model
    found = {(q.key, name) for _, name, q in parameter_quantizers(final)}
    assert found == {("0.weight", "weight"), ("0.bias", "bias"), ("2.weight", "weight"), ("2.bias", "bias")}
    assert len(list(quantizers(final))) == 6
    assert len(quantizer_buffers(final)) == 8


def test_a_range_that_is_no_number_is_the_observers_fault(quantizer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made = quantizer()
    made(torch.randn(4, 6))
    nothing = torch.full((1,), torch.nan)
    monkeypatch.setattr(made.observer, "range", lambda: (nothing, nothing))
    with pytest.raises(DataError, match=r"fc\.input: observer min_max gave a range with NaN .* fault of the observer"):
        made.calibrated()


def test_what_an_observer_refuses_has_its_tensor(quantizer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_observer: object, settings: Settings) -> None:
        raise ModelError(f"no range for {settings.dtype.name}")

    monkeypatch.setattr(MinMax, "for_settings", refuse, raising=False)
    with pytest.raises(ModelError, match=r"fc\.input \(input\): no range for int8"):
        quantizer()


def test_integers_are_refused(quantizer: Make) -> None:
    with pytest.raises(ModelError, match=r"^fc\.input: torch\.int64 values cannot be quantized"):
        quantizer()(torch.ones(2, dtype=torch.int64))


def test_empty_batches_are_no_calibration(quantizer: Make) -> None:
    made = quantizer()
    made(torch.empty(0, 6))
    with pytest.raises(DataError, match=r"fc\.input: the calibration batches that reached it hold no values"):
        made.calibrated()
