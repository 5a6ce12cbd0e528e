"""NVFP4 and MXINT8 against numpy, ml_dtypes and gfloat."""

import math
from collections.abc import Callable

import gfloat
import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest
import torch
from gfloat import formats
from torch import nn

import quark_core as qc
import quark_core.functional as qf
from quark_core.plugin.formats import BlockFormat, FloatFormat, IntFormat
from quark_core.plugin.settings import Settings

Make = Callable[..., Settings]
Floats = npt.NDArray[np.float32]


def nvfp4(x: Floats) -> Floats:
    blocks = x.reshape(-1, 16)
    amax = np.abs(blocks).max(1).astype(np.float64)
    tensor = np.float32(amax.max() / (448 * 6)) if amax.max() else np.float32(1)
    relative = amax / 6 / np.float64(tensor)
    scale = gfloat.round_ndarray(formats.format_info_ocp_e4m3, relative, gfloat.RoundMode.TiesToEven, sat=True)
    product = (np.maximum(scale, 2.0**-9).astype(np.float32) * tensor)[:, None]
    element = np.clip(blocks / product, -6, 6).astype(ml_dtypes.float4_e2m1fn).astype(np.float32)
    return np.asarray((element * product).reshape(x.shape), np.float32)


@pytest.mark.parametrize("spread", [0.0, 1.0, 6.0])
def test_nvfp4(make: Make, spread: float) -> None:
    random = np.random.default_rng(3)
    x = (random.standard_normal((64, 48)) * 10.0 ** (spread * random.standard_normal((64, 1)))).astype(np.float32)
    x[3] = 0
    actual = qf.quantize_dequantize(torch.from_numpy(x), make("nvfp4")).numpy()
    assert actual.tobytes() == nvfp4(x).tobytes()


def test_nvfp4_of_zeros_and_of_what_is_not_finite(make: Make) -> None:
    x = torch.zeros(4, 16)
    assert torch.equal(qf.quantize_dequantize(x, make("nvfp4")), x)
    x[0, 0], x[1, 0], x[2, 0] = math.nan, math.inf, 1.0
    y = qf.quantize_dequantize(x, make("nvfp4"))
    assert y[0].isnan().all()
    assert y[1:].isfinite().all()


def test_nvfp4_of_an_empty_tensor(make: Make) -> None:
    assert qf.quantize_dequantize(torch.zeros(0, 16), make("nvfp4")).shape == (0, 16)


@pytest.mark.parametrize("rounding", ["half_even", "round", "floor"])
def test_mxint8_is_fixed_point(make: Make, rounding: str) -> None:
    x = (np.random.default_rng(4).standard_normal((256, 32)) * 3).astype(np.float32)
    exponent = np.frexp(np.abs(x).max(1))[1] - 1
    scaled = np.ldexp(x.astype(np.float64), 6 - exponent[:, None])
    away = np.copysign(np.floor(np.abs(scaled) + 0.5), scaled)
    rounded = {"half_even": np.round(scaled), "round": away, "floor": np.floor(scaled)}[rounding]
    expected = np.ldexp(np.clip(rounded, -128, 127), exponent[:, None] - 6)
    actual = qf.quantize_dequantize(torch.from_numpy(x), make("mxint8", rounding)).numpy()
    assert np.array_equal(actual, expected.astype(np.float32))


@pytest.mark.parametrize("name", ["nvfp4", "mxint8", "mxfp4", "mxfp6_e2m3"])
def test_saved_blocks_come_back_bit_for_bit(name: str, tmp_path: object) -> None:
    torch.manual_seed(5)
    net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 16)).eval()
    x = torch.randn(8, 64)
    config = qc.QuantConfig(weight=qc.TensorConfig(dtype=name), input=qc.TensorConfig(dtype=name))
    result = qc.quantize(net, config, calibration=[x])
    loaded = qc.load(result.save(f"{tmp_path}/out"), model=net)
    assert torch.equal(loaded(x), result.model(x))
    stored = result.report.tensors[0].stored_bytes
    bits = {"nvfp4": 4 + 8 / 16, "mxint8": 8 + 8 / 32, "mxfp4": 4 + 8 / 32, "mxfp6_e2m3": 6 + 8 / 32}[name]
    assert stored == 64 * 32 * bits / 8 + (4 if name == "nvfp4" else 0)


def test_mxint8_of_the_largest_floats_stays_finite(make: Make) -> None:
    largest = torch.finfo(torch.float32).max
    x = torch.tensor([[-largest, largest, -math.inf, math.inf] * 8])
    y = qf.quantize_dequantize(x, make("mxint8"))
    assert y.isfinite().all()
    assert y[0, :2].tolist() == [-(2.0**127), 127 / 64 * 2.0**126]


def test_what_a_block_format_refuses() -> None:
    e4m3 = FloatFormat(4, 3, "fn")
    with pytest.raises(ValueError, match="signed and has E8M0"):
        BlockFormat(IntFormat(8, signed=False))
    with pytest.raises(ValueError, match="signed and has E8M0"):
        BlockFormat(IntFormat(8), scale=e4m3)
    with pytest.raises(ValueError, match="its element saturates"):
        BlockFormat(FloatFormat(5, 2, overflow="infinity"))
