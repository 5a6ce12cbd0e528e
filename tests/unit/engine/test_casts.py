from collections.abc import Callable

import gfloat
import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest
import torch
from gfloat import formats

import quark_core.functional as qf
from quark_core.plugin.settings import Settings

Make = Callable[..., Settings]
Floats = npt.NDArray[np.float32]
INFOS = {"float16": formats.format_info_binary16, "bfloat16": formats.format_info_bfloat16}
MODES = {
    "half_even": gfloat.RoundMode.TiesToEven,
    "round": gfloat.RoundMode.TiesToAway,
    "floor": gfloat.RoundMode.TowardNegative,
}


def around(x: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return np.concatenate([x, np.nextafter(x, np.float32(-np.inf)), np.nextafter(x, np.float32(np.inf))])


def inputs(dtype: str) -> Floats:
    """Every value of the format, every tie, their float32 neighbours, and random bits."""
    every = np.arange(1 << 16, dtype=np.uint16)
    values = every.view(np.float16 if dtype == "float16" else ml_dtypes.bfloat16).astype(np.float32)
    finite = np.sort(values[np.isfinite(values)]).astype(np.float64)
    ties = ((finite[1:] + finite[:-1]) / 2).astype(np.float32)
    edge = np.array([65520.0, 65536.0, 70000.0, 3.3961775e38, 3.4028235e38], np.float32)
    random = np.random.default_rng(0).integers(0, 1 << 32, 200_000, dtype=np.uint32).view(np.float32)
    return np.concatenate(
        [
            around(finite.astype(np.float32)),
            around(ties),
            edge,
            -edge,
            random,
            np.array([np.inf, -np.inf, np.nan], np.float32),
        ]
    )


def same(actual: Floats, expected: Floats) -> bool:
    nans = np.isnan(expected)
    return bool(np.array_equal(np.isnan(actual), nans)) and actual[~nans].tobytes() == expected[~nans].tobytes()


@pytest.mark.parametrize("dtype", INFOS)
def test_half_even_is_the_cast_of_torch_and_numpy(make: Make, dtype: str) -> None:
    x = inputs(dtype)
    actual = qf.quantize_dequantize(torch.from_numpy(x), make(dtype)).numpy()
    assert same(actual, torch.from_numpy(x).to(getattr(torch, dtype)).float().numpy())
    with np.errstate(over="ignore", invalid="ignore"):
        assert same(actual, x.astype(np.float16 if dtype == "float16" else ml_dtypes.bfloat16).astype(np.float32))


@pytest.mark.parametrize("rounding", MODES)
@pytest.mark.parametrize("dtype", INFOS)
def test_every_rounding_as_gfloat(make: Make, dtype: str, rounding: str) -> None:
    x = inputs(dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        expected = gfloat.round_ndarray(INFOS[dtype], x.astype(np.float64), MODES[rounding]).astype(np.float32)
    assert same(qf.quantize_dequantize(torch.from_numpy(x), make(dtype, rounding)).numpy(), expected)


def test_floor_overflows_downwards_only(make: Make) -> None:
    x = torch.tensor([1e6, -1e6, torch.inf, -torch.inf])
    assert qf.quantize_dequantize(x, make("float16", "floor")).tolist() == [65504.0, -torch.inf, torch.inf, -torch.inf]


@pytest.mark.parametrize("dtype", INFOS)
def test_codes_are_the_bit_patterns(make: Make, dtype: str) -> None:
    x = torch.from_numpy(inputs(dtype))
    x = x[~x.isnan()]
    codes = qf.quantize(x, make(dtype))
    assert codes.dtype == torch.int16
    assert torch.equal(codes, x.to(getattr(torch, dtype)).view(torch.int16))
    assert torch.equal(qf.dequantize(codes, make(dtype), None), x.to(getattr(torch, dtype)).float())


def test_nan_has_the_quiet_code(make: Make) -> None:
    assert qf.quantize(torch.tensor([torch.nan]), make("float16")).tolist() == [0x7E00]
    assert qf.quantize(torch.tensor([torch.nan]), make("bfloat16")).tolist() == [0x7FC0]
