import math
import re
import runpy
from pathlib import Path

import pytest
import torch
from torch import nn

import quark_core as qc
import quark_posit
from quark_core.functional import QParams, dequantize, dynamic_parameters, quantize, quantize_dequantize
from quark_core.testing import DtypeTests, PluginTests

FOLDER = Path(__file__).parents[1]
README = (FOLDER / "README.md").read_text("utf-8")
DTYPES = ("posit.posit8", "posit.posit16")


class TestPlugin(PluginTests):
    module = "quark_posit"


class TestPosit8(DtypeTests):
    spec = quark_posit.POSIT8


class TestPosit16(DtypeTests):
    spec = quark_posit.POSIT16


def params(scale: float) -> QParams:
    return QParams(torch.tensor([scale]), torch.zeros(1))


@pytest.mark.parametrize("scale", [0.125, 1.0, 4.0, 2.0**-60])
@pytest.mark.parametrize("dtype", DTYPES)
def test_codes_are_posits_and_values_up_to_16_stay(dtype: str, scale: float) -> None:
    config = qc.TensorConfig(dtype=dtype)
    bits = 8 if dtype == "posit.posit8" else 16
    # The pattern of 16 is 0110...0; those of negative posits are two's complements.
    limit = 3 << (bits - 3)
    patterns = torch.arange(-limit, limit + 1)
    codes = patterns.to(torch.int16) if bits == 16 else (patterns & 0xFF).to(torch.uint8)
    values = dequantize(codes, config, params(scale))
    assert (float(values[0]), float(values[-1])) == (-16 * scale, 16 * scale)
    assert bool((values.diff() > 0).all())
    assert torch.equal(quantize(values, config, params(scale)), codes)
    assert torch.equal(quantize_dequantize(values, config, params(scale)), values)


def test_codes_that_everybody_can_check() -> None:
    x = torch.tensor([0.0, 1.0, -1.0, 1.5, 0.0625, 16.0, -16.0, 1000.0, -math.inf, 2.0**-24, 1e-30])
    codes = quantize(x, qc.TensorConfig(dtype="posit.posit8"), params(1.0))
    assert codes.tolist() == [0, 0x40, 0xC0, 0x44, 0x20, 0x60, 0xA0, 0x74, 0x81, 0x01, 0x01]


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_largest_magnitude_becomes_16(dtype: str) -> None:
    x = torch.tensor([0.5, -48.0, 3.0])
    config = qc.TensorConfig(dtype=dtype)
    assert dynamic_parameters(x, config).scale.tolist() == [3.0]
    assert float(quantize_dequantize(x, config)[1]) == -48.0


@pytest.mark.parametrize(("dtype", "nar"), [("posit.posit8", 0x80), ("posit.posit16", -0x8000)])
def test_nan_is_nar(dtype: str, nar: int) -> None:
    config = qc.TensorConfig(dtype=dtype)
    codes = quantize(torch.tensor([1.0, math.nan]), config, params(1.0))
    assert codes[1].item() == nar
    assert dequantize(codes, config, params(1.0)).isnan().tolist() == [False, True]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_saved_model_gives_the_same_bits(dtype: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 4)), torch.randn(32, 24)
    weight = qc.TensorConfig(dtype=dtype, qscheme=qc.QSchemeType.per_channel)
    config = qc.QuantConfig(weight=weight, input=qc.TensorConfig(dtype=dtype))
    result = qc.quantize(model, config, calibration=[x])
    result.save(tmp_path / "saved")
    assert torch.equal(qc.load(tmp_path / "saved", model=model)(x), result.model(x))


@pytest.mark.parametrize("dtype", DTYPES)
def test_outliers_beyond_the_observed_range_are_kept(dtype: str) -> None:
    model = nn.Sequential(nn.Linear(1, 1, bias=False))
    nn.init.ones_(model.get_parameter("0.weight"))
    config = qc.QuantConfig(input=qc.TensorConfig(dtype=dtype))
    result = qc.quantize(model, config, calibration=[torch.tensor([[3.0], [-16.0]])])
    x = torch.tensor([[0.25], [-16.0], [32.0], [-40.0], [-(2.0**70)]], requires_grad=True)
    (gradient,) = torch.autograd.grad(result.model(x).sum(), x)
    maxpos = 2.0**24 if dtype == "posit.posit8" else 2.0**56
    assert result.model(x).flatten().tolist() == [0.25, -16.0, 32.0, -40.0, -maxpos]
    assert gradient.flatten().tolist() == [1.0, 1.0, 1.0, 1.0, 0.0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_exported_model_gives_the_same_bits(dtype: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(4, 8)
    config = qc.QuantConfig(weight=qc.TensorConfig(dtype=dtype), input=qc.TensorConfig(dtype=dtype))
    model = qc.quantize(nn.Sequential(nn.Linear(8, 8)), config, calibration=[x]).model
    exported = torch.export.export(model, (x,)).module()
    assert torch.equal(exported(x), model(x))


def test_the_config_of_the_readme_is_valid(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "posit.yaml").write_text(block, "utf-8")
    config = qc.load_config(tmp_path / "posit.yaml")
    assert isinstance(config.weight, qc.TensorConfig)
    assert config.weight.dtype == "posit.posit8"


def cells(text: str) -> dict[str, list[float]]:
    """Return the numbers of each row of the tables in a text; random numbers differ in their last bits by machine."""
    rows = re.findall(r"^\| ([\w.^]+) \| (-?\d.*) \|$", text, re.MULTILINE)
    return {name: [float(number) for number in numbers.split(" | ")] for name, numbers in rows}


def test_the_readme_shows_what_the_script_measures() -> None:
    measured = cells("\n".join(runpy.run_path(str(FOLDER / "sqnr.py"))["tables"]()))
    assert len(measured) == 12
    assert cells(README) == {name: pytest.approx(numbers, abs=0.11) for name, numbers in measured.items()}
