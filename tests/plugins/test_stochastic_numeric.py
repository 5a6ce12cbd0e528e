"""Stochastic rounding: between the neighbours, unbiased, and the same again for the same seed."""

import pytest
import torch
from torch import nn

import quark_core as qc
import quark_core.functional as qf
from quark_core.config.models import TensorConfig
from quark_rounding import StochasticOptions
from quark_rounding.stochastic import Stochastic


def rounded(x: torch.Tensor, seed: int = 0) -> torch.Tensor:
    return Stochastic(StochasticOptions(seed=seed))(x.clone())


@pytest.mark.parametrize("value", [0.0, 0.125, 0.5, 0.9, -0.3, -2.75, 1e6 + 0.5])
def test_the_mean_is_the_value(value: float) -> None:
    count = 200_000
    y = rounded(torch.full((count,), value, dtype=torch.float64))
    low = torch.tensor(value).double().floor()
    assert set(y.tolist()) <= {float(low), float(low) + 1}
    odds = value - float(low)
    # Five standard deviations of a binomial mean.
    assert abs(float(y.mean()) - value) <= 5 * (odds * (1 - odds) / count) ** 0.5 + 1e-9


def test_a_seed_decides() -> None:
    x = torch.linspace(-4, 4, 1000)
    assert torch.equal(rounded(x, 1), rounded(x, 1))
    assert not torch.equal(rounded(x, 1), rounded(x, 2))


@pytest.mark.parametrize("dtype", ["int8", "fp8_e4m3", "mx", "nvfp4", "nf4"])
def test_formats_are_unbiased(dtype: str) -> None:
    config = TensorConfig(dtype=dtype, round_method="stochastic")
    x = torch.full((1, 1 << 16), 0.3)
    x[:, ::16] = 1.0
    y = qf.quantize_dequantize(x, config)
    inner = y[x != 1.0]
    assert 1 <= len(set(inner.tolist())) <= 2
    gap = float(inner.max() - inner.min())
    assert abs(float(inner.double().mean()) - 0.3) <= 5 * gap / 2 / inner.numel() ** 0.5 + 1e-7


def test_the_same_tensor_gives_the_same_result_whatever_ran_before() -> None:
    config = TensorConfig(dtype="int4", round_method=StochasticOptions(seed=7))
    x = torch.randn(600, 1000, generator=torch.Generator().manual_seed(1))
    first = qf.quantize_dequantize(x, config)
    qf.quantize_dequantize(torch.randn(10), config)
    params = qf.dynamic_parameters(x, config)
    assert torch.equal(qf.quantize_dequantize(x, config), first)
    assert torch.equal(qf.dequantize(qf.quantize(x, config, params), config, params), first)


def test_a_model_with_it_is_saved_and_loaded_bit_for_bit(tmp_path: object) -> None:
    torch.manual_seed(3)
    net, x = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4)).eval(), torch.randn(5, 8)
    tensor = TensorConfig(dtype="int8", round_method="stochastic")
    result = qc.quantize(net, qc.QuantConfig(weight=tensor, input=tensor), calibration=[x])
    loaded = qc.load(result.save(f"{tmp_path}/out"), model=net)
    assert torch.equal(loaded(x), result.model(x))
