import math

import torch
from torch import nn

import quark_acme
from quark_core import QuantConfig, TensorConfig, quantize
from quark_core.testing import DeviceTests


class TestChip(DeviceTests):
    spec = quark_acme.CHIP


def test_every_scale_is_a_power_of_two() -> None:
    int8 = TensorConfig(dtype="int8")
    config = QuantConfig(device="acme.chip", weight=int8, input=int8)
    result = quantize(nn.Linear(8, 4), config, calibration=[torch.randn(2, 8)], progress=False)
    scales = [value.item() for name, value in result.model.named_buffers() if name.endswith("scale")]
    assert len(scales) == 2
    assert [math.frexp(scale)[0] for scale in scales] == [0.5, 0.5]
