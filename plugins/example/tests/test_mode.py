import torch
from torch import nn

import quark_acme
from quark_core import QuantConfig, TensorConfig, quantize
from quark_core.testing import ModeTests


class TestLargeMode(ModeTests):
    spec = quark_acme.LARGE_MODE


def test_small_layers_stay_in_floating_point() -> None:
    mode = quark_acme.LargeModeOptions(least_values=50)
    config = QuantConfig(mode=mode, weight=TensorConfig(dtype="int8"))
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2))
    result = quantize(model, config, calibration=[torch.randn(2, 8)], progress=False)
    assert [tensor.key for tensor in result.plan.tensors()] == ["0.weight"]
