from typing import Any

import gfloat
import numpy as np
import pytest
import torch
from gfloat import RoundMode
from gfloat.formats import format_info_ocp_e4m3, format_info_ocp_int8
from torch import Tensor, nn

import quark_core as qc
import quark_core.functional as qf
import quark_fewbits
from quark_core.config.models import TensorConfig
from quark_core.testing import PluginTests, RoundingTests
from quark_fewbits import StochasticOptions
from quark_fewbits.stochastic import Stochastic, Variant, round_with

MODES: dict[Variant, Any] = {
    "srff": RoundMode.StochasticFastest,
    "srf": RoundMode.StochasticFast,
    "src": RoundMode.Stochastic,
}


class TestPlugin(PluginTests):
    module = "quark_fewbits"


class TestStochastic(RoundingTests):
    spec = quark_fewbits.STOCHASTIC


class TestFastest(TestStochastic):
    options = {"variant": "srff", "bits": 23}


class TestOneBit(TestStochastic):
    options = {"variant": "srf", "bits": 1}


def numbers(count: int, low: int, high: int, seed: int) -> Tensor:
    return torch.randint(low, high, (count,), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("variant", MODES)
@pytest.mark.parametrize("bits", [1, 2, 3, 5, 8, 13, 23])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_agrees_with_gfloat_for_the_same_bits(variant: Variant, bits: int, dtype: torch.dtype) -> None:
    # Up to 12 bits behind the point, so there are ties and values between them.
    x = (numbers(3000, -125 << 12, 126 << 12, bits) / 2**12).to(dtype)
    draws = numbers(len(x), 0, 2**bits, 100 + bits)
    # Its int8 has 6 bits behind the point.
    scaled = [
        gfloat.round_float(format_info_ocp_int8, v / 64, MODES[variant], srbits=r, srnumbits=bits)
        for v, r in zip(x.tolist(), draws.tolist(), strict=True)
    ]
    expected = torch.tensor(scaled, dtype=dtype) * 64
    assert torch.equal(round_with(x.clone(), draws.to(dtype), bits, variant), expected)


@pytest.mark.parametrize("variant", MODES)
@pytest.mark.parametrize("bits", [1, 3, 23])
def test_it_is_exact_next_to_ties(variant: Variant, bits: int) -> None:
    tie = torch.tensor([0.5, 0.25, 0.75, 1.5, 2.0**-24, 1 - 2.0**-24])
    x = torch.cat([tie, tie.nextafter(torch.zeros(())), tie.nextafter(torch.full((), 9.0))])
    for draw in (0, 1, 2 ** (bits - 1), 2**bits - 1):
        scaled = [
            gfloat.round_float(format_info_ocp_int8, v / 64, MODES[variant], srbits=draw, srnumbits=bits)
            for v in x.tolist()
        ]
        actual = round_with(x.clone(), torch.full_like(x, draw), bits, variant)
        assert (actual / 64).tolist() == scaled


def rounded(x: Tensor, **options: Any) -> Tensor:
    return Stochastic(StochasticOptions(**options))(x.clone())


def test_draws_are_uniform() -> None:
    count, bits = 1 << 16, 3
    for step in range(2**bits):
        mean = float(rounded(torch.full((count,), 4 + step / 2**bits), bits=bits).mean())
        odds = step / 2**bits
        # Five standard deviations of a binomial mean.
        assert abs(mean - 4 - odds) <= 5 * (odds * (1 - odds) / count) ** 0.5


def test_a_seed_decides() -> None:
    x = torch.linspace(-4, 4, 1000)
    assert torch.equal(rounded(x, seed=1), rounded(x, seed=1))
    assert not torch.equal(rounded(x, seed=1), rounded(x, seed=2))


def test_the_next_call_draws_other_bits() -> None:
    rounding, x = Stochastic(StochasticOptions()), torch.linspace(-4, 4, 1000)
    assert not torch.equal(rounding(x.clone()), rounding(x.clone()))


@pytest.mark.parametrize("variant", MODES)
def test_fp8_gets_only_what_gfloat_gives_and_as_often(variant: Variant) -> None:
    bits, count = 2, 4096
    values = [0.3, -1.7, 100.3, 0.0078125 * 0.7, -447.0, 0.001]
    x = torch.tensor(values).repeat_interleave(count)
    config = TensorConfig.model_validate(
        {
            "dtype": "fp8_e4m3",
            "round_method": {"name": "fewbits.stochastic", "bits": bits, "variant": variant, "seed": 3},
        }
    )
    one = qf.QParams(torch.ones(1), torch.zeros(1))
    actual = qf.quantize_dequantize(x, config, one).view(len(values), count)
    every = np.arange(2**bits)
    for value, results in zip(values, actual, strict=True):
        expected = gfloat.round_ndarray(
            format_info_ocp_e4m3, np.full(2**bits, value), MODES[variant], sat=True, srbits=every, srnumbits=bits
        ).tolist()
        assert set(results.tolist()) == set(expected)
        for result in set(expected):
            odds = expected.count(result) / 2**bits
            share = float((results == result).float().mean())
            assert abs(share - odds) <= 5 * (odds * (1 - odds) / count) ** 0.5


def test_a_model_with_it_is_saved_and_loaded_bit_for_bit(tmp_path: object) -> None:
    torch.manual_seed(3)
    net, x = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4)).eval(), torch.randn(5, 8)
    tensor = {"dtype": "int8", "round_method": {"name": "fewbits.stochastic", "bits": 3}}
    config = qc.QuantConfig.model_validate({"version": 1, "weight": tensor, "input": tensor})
    result = qc.quantize(net, config, calibration=[x])
    again = qc.quantize(net, config, calibration=[x])
    loaded = qc.load(result.save(f"{tmp_path}/out"), model=net)
    assert torch.equal(again.model(x), result.model(x))
    assert torch.equal(loaded(x), result.model(x))
