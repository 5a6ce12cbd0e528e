"""On a real network: how much of its accuracy each config keeps."""

import pytest
import torch

from quark_core import QuantConfig, load_config, quantize
from quark_core.demo.network import calibration_batches, digits, digits_net
from quark_core.demo.run import CONFIGS, accuracy, float_accuracy

FLOAT = 0.992


def test_the_float_network() -> None:
    assert float_accuracy() == pytest.approx(FLOAT, abs=5e-4)


def test_int8_keeps_the_accuracy() -> None:
    config = QuantConfig.model_validate(
        {"weight": {"dtype": "int8", "qscheme": "per_channel"}, "input": {"dtype": "int8", "qscheme": "per_tensor"}}
    )
    result = quantize(digits_net(), config, calibration=calibration_batches(), progress=False)
    assert accuracy(result.model) == pytest.approx(FLOAT, abs=0.004)
    assert result.report.coverage.quantized_layers == 5
    assert result.report.output_sqnr_db is not None
    assert result.report.output_sqnr_db > 30


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_of_the_demo_stays_close(name: str) -> None:
    result = quantize(digits_net(), load_config(CONFIGS[name]), calibration=calibration_batches(), progress=False)
    assert accuracy(result.model) == pytest.approx(FLOAT, abs=0.01)


def test_the_npu_discipline_costs_little() -> None:
    tensor = {"dtype": "int8", "scale_type": "pof2"}
    roles = dict.fromkeys(("weight", "bias", "input"), tensor)
    config = QuantConfig.model_validate({"device": "IPU", "mode": "fx_graph_mode"} | roles)
    result = quantize(digits_net(), config, calibration=calibration_batches(), progress=False)
    assert accuracy(result.model) == pytest.approx(FLOAT, abs=0.015)


def test_training_data_are_not_test_data() -> None:
    calibration, test = digits("calibration")[0], digits("test")[0]
    assert calibration.shape[1:] == test.shape[1:] == (1, 8, 8)
    assert (float(test.min()), float(test.max())) == (0.0, 1.0)
    seen = {image.numpy().tobytes() for image in calibration}
    assert not any(image.numpy().tobytes() in seen for image in test)
    assert sum(len(b) for b in calibration_batches()) == len(calibration)
    assert torch.equal(torch.cat(calibration_batches()), calibration)
