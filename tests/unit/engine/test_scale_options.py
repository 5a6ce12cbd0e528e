"""Rules of power-of-two scales, scales that are stored narrower, and the schemes beyond the seed's."""

import math

import numpy as np
import pytest
import torch

import quark_core.functional as qf
from quark_core.config.models import TensorConfig
from quark_core.errors import ModelError


def scale_of(amax: float, **config: object) -> float:
    made = TensorConfig.model_validate({"dtype": "int8", **config})
    return float(qf.parameters(torch.tensor([-amax]), torch.tensor([amax]), made).scale)


@pytest.mark.parametrize("amax", [0.3, 1.0, 127.0, 127.5, 128.0, 200.0, 254.0, 1e-20, 1e30])
def test_rules_of_power_of_two_scales(amax: float) -> None:
    exact = float(np.float32(np.float64(np.float32(amax)) / 127))
    log = math.log2(exact)
    expected = {"floor": math.floor(log), "ceil": math.ceil(log), "round": math.floor(log + 0.5)}
    actual = {rule: math.log2(scale_of(amax, scale_type="pof2", scale_rule=rule)) for rule in expected}
    assert actual == expected


@pytest.mark.parametrize(("stored", "dtype"), [("float16", torch.float16), ("bfloat16", torch.bfloat16)])
def test_narrow_scales_are_those_of_their_dtype(stored: str, dtype: torch.dtype) -> None:
    for amax in (0.3, 1.0, 100.0, 12345.0):
        exact = torch.tensor(np.float32(amax) / np.float32(127))
        assert scale_of(amax, scale_dtype=stored) == float(exact.to(dtype))
    smallest, largest = torch.finfo(dtype).smallest_normal, torch.finfo(dtype).max
    assert scale_of(1e-42, scale_dtype=stored) == max(smallest, 2.0**-126)
    assert scale_of(3e38, scale_dtype=stored) <= largest


def test_a_scale_per_token() -> None:
    x = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(0))
    config = TensorConfig.model_validate({"dtype": "int8", "qscheme": "per_token", "is_dynamic": True})
    scale = x.abs().amax(-1, keepdim=True) / 127
    expected = (x / scale).round() * scale
    assert torch.equal(qf.quantize_dequantize(x, config), expected)
    assert qf.dynamic_parameters(x, config).scale.shape == (6,)
    assert qf.quantize_dequantize(torch.tensor(2.0), config).shape == ()


def test_a_scale_per_block() -> None:
    x = torch.randn(3, 8, 12, generator=torch.Generator().manual_seed(0))
    config = TensorConfig.model_validate({"dtype": "int8", "qscheme": "per_block", "block_size": [4, 6]})
    expected = torch.empty_like(x)
    scales = []
    for outer in range(3):
        for row in range(0, 8, 4):
            for column in range(0, 12, 6):
                part = x[outer, row : row + 4, column : column + 6]
                scale = part.abs().max() / 127
                scales.append(float(scale))
                expected[outer, row : row + 4, column : column + 6] = (part / scale).round() * scale
    assert torch.equal(qf.quantize_dequantize(x, config), expected)
    params = qf.dynamic_parameters(x, config)
    assert params.scale.tolist() == scales
    assert torch.equal(qf.dequantize(qf.quantize(x, config, params), config, params), expected)
    out = torch.empty_like(x)
    assert qf.quantize_dequantize(x, config, params, out=out) is out
    assert torch.equal(out, expected)


@pytest.mark.parametrize("shape", [(8,), (8, 10), (6, 12), ()])
def test_blocks_that_do_not_divide_are_refused(shape: tuple[int, ...]) -> None:
    config = TensorConfig.model_validate({"dtype": "int8", "qscheme": "per_block", "block_size": [4, 6]})
    with pytest.raises(ModelError, match="blocks of 4x6 do not divide the last two axes"):
        qf.quantize_dequantize(torch.zeros(shape), config)
