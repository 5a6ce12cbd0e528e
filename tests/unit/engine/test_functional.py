import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

import quark_core.functional as qf
from quark_core.config.type import ScaleType
from quark_core.errors import ModelError, UsageError
from quark_core.plugin.settings import Settings
from quark_dtypes import DTYPES

Make = Callable[..., Settings]
NAMES = [spec.name for spec in DTYPES]
SCALED = {spec.name: spec.scaled and not spec.is_block for spec in DTYPES}
"""Whether a config chooses the scheme."""
ROUNDINGS = ["half_even", "round", "floor"]


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def every_scheme(make: Make, dtype: str, rounding: str) -> list[Settings]:
    if not SCALED[dtype]:
        return [make(dtype, rounding)]
    schemes: list[dict[str, Any]] = [
        {"qscheme": "per_tensor"},
        {"qscheme": "per_channel", "axis": 0},
        {"qscheme": "per_channel", "axis": -1},
        {"qscheme": "per_group", "axis": 1, "group_size": 16},
        {"qscheme": "per_group", "axis": -2, "group_size": 4},
    ]
    affine = [True, False] if "int" in dtype else [True]
    return [
        make(dtype, rounding, symmetric=symmetric, scale_type=scale_type, **scheme)
        for scheme in schemes
        for symmetric in affine
        for scale_type in ScaleType
    ]


def bits(x: Tensor) -> Tensor:
    return x.contiguous().view(torch.int32)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("dtype", NAMES)
def test_dequantize_of_quantize_is_bitwise_quantize_dequantize(make: Make, dtype: str, rounding: str) -> None:
    x = torch.randn(16, 64) * torch.logspace(-8, 8, 64)
    x[3, 5], x[4, 6], x[0, 0] = 0.0, -0.0, -math.inf
    for settings in every_scheme(make, dtype, rounding):
        params = qf.dynamic_parameters(x, settings)
        assert params.scale.isfinite().all()
        values = qf.quantize_dequantize(x, settings, params)
        again = qf.dequantize(qf.quantize(x, settings, params), settings, params)
        assert torch.equal(bits(values), bits(again)), settings.describe()
        assert torch.equal(bits(values), bits(qf.quantize_dequantize(x, settings))), settings.describe()


@pytest.mark.parametrize("dtype", NAMES)
def test_out_and_in_place(make: Make, dtype: str) -> None:
    for settings in every_scheme(make, dtype, "half_even"):
        x = torch.randn(16, 64)
        expected = qf.quantize_dequantize(x, settings)
        out = torch.empty_like(x)
        assert qf.quantize_dequantize(x, settings, out=out) is out
        assert torch.equal(out, expected)
        strided = torch.empty(64, 16).t()
        assert torch.equal(qf.quantize_dequantize(x, settings, out=strided), expected)
        assert qf.quantize_dequantize(x, settings, out=x) is x
        assert torch.equal(x, expected)


def test_out_that_overlaps(make: Make) -> None:
    store = torch.randn(65)
    expected = qf.quantize_dequantize(store[1:], make("int8"))
    assert torch.equal(qf.quantize_dequantize(store[1:], make("int8"), out=store[:-1]), expected)


@pytest.mark.parametrize("dtype", NAMES)
def test_non_contiguous(make: Make, dtype: str) -> None:
    x = torch.randn(64, 32).t()[::2]
    for settings in every_scheme(make, dtype, "half_even"):
        assert torch.equal(qf.quantize_dequantize(x, settings), qf.quantize_dequantize(x.contiguous(), settings))
        params = qf.dynamic_parameters(x, settings)
        assert torch.equal(qf.quantize(x, settings, params), qf.quantize(x.contiguous(), settings, params))


@pytest.mark.parametrize("dtype", NAMES)
def test_shapes(make: Make, dtype: str) -> None:
    plain, settings = dtype in ("bfloat16", "float16"), make(dtype)
    for shape in [(), (32,), (3, 32), (2, 3, 32), (1, 2, 3, 32), (1, 2, 1, 3, 32), (0, 32), (4, 0)]:
        if settings.dtype.is_block and not shape:
            continue
        x = torch.randn(shape)
        params = None if plain else qf.dynamic_parameters(x, settings)
        assert qf.quantize_dequantize(x, settings).shape == shape
        codes = qf.quantize(x, settings, params)
        assert codes.shape == shape
        assert qf.dequantize(codes, settings, params).shape == shape


@pytest.mark.parametrize("given", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("dtype", NAMES)
def test_other_input_dtypes_round_once_at_the_end(make: Make, dtype: str, given: torch.dtype) -> None:
    for settings in every_scheme(make, dtype, "half_even"):
        x = (torch.randn(16, 64) * 10).to(given)
        in_place = x.clone()
        y = qf.quantize_dequantize(x, settings)
        assert y.dtype == given
        assert torch.equal(y, qf.quantize_dequantize(x.float(), settings).to(given))
        assert torch.equal(qf.quantize_dequantize(in_place, settings, out=in_place), y)


def test_finite_values_stay_finite_in_narrow_dtypes(make: Make) -> None:
    for given in (torch.float16, torch.bfloat16, torch.float32):
        limit = torch.finfo(given).max
        x = torch.tensor([-limit, limit], dtype=given)
        for dtype in ("int8", "int4", "uint8", "fp8_e4m3"):
            for symmetric in (True, False):
                assert qf.quantize_dequantize(x, make(dtype, symmetric=symmetric)).isfinite().all()


@pytest.mark.parametrize("dtype", NAMES)
def test_threads_and_memory_layout_do_not_change_a_bit(make: Make, dtype: str) -> None:
    x = torch.randn(512, 1024)
    before = torch.get_num_threads()
    for settings in every_scheme(make, dtype, "half_even")[:4]:
        try:
            torch.set_num_threads(1)
            one = qf.quantize_dequantize(x, settings)
            torch.set_num_threads(2)
            two = qf.quantize_dequantize(x, settings)
        finally:
            torch.set_num_threads(before)
        assert torch.equal(bits(one), bits(two))


@pytest.mark.parametrize("size", [7, 100, 1 << 20])
@pytest.mark.parametrize("dtype", NAMES)
def test_the_tile_size_does_not_change_a_bit(
    make: Make, dtype: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = torch.randn(16, 64)
    settings = every_scheme(make, dtype, "round")[-1]
    expected = qf.quantize_dequantize(x, settings)
    monkeypatch.setattr("quark_core.engine.tiles.TILE", size)
    assert torch.equal(bits(qf.quantize_dequantize(x, settings)), bits(expected))


@pytest.mark.parametrize("given", [torch.int16, torch.int32, torch.int64])
@pytest.mark.parametrize("dtype", NAMES)
def test_codes_may_have_any_integer_dtype_and_stay_as_they_are(make: Make, dtype: str, given: torch.dtype) -> None:
    x = torch.randn(4, 64)
    for settings in every_scheme(make, dtype, "half_even"):
        params = qf.dynamic_parameters(x, settings)
        codes = qf.quantize(x, settings, params)
        wide = codes.to(given)
        before = wide.clone()
        values = qf.dequantize(wide, settings, params)
        assert torch.equal(bits(values), bits(qf.dequantize(codes, settings, params)))
        assert torch.equal(wide, before)


@pytest.mark.parametrize("given", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("dtype", NAMES)
def test_codes_of_other_input_dtypes(make: Make, dtype: str, given: torch.dtype) -> None:
    for settings in every_scheme(make, dtype, "half_even"):
        x = (torch.randn(16, 64) * 10).to(given)
        before = x.clone()
        codes = qf.quantize(x, settings)
        assert torch.equal(codes, qf.quantize(x.float(), settings))
        assert torch.equal(x, before)
        assert codes.is_contiguous()


def test_dynamic_ranges_leave_out_what_is_not_finite(make: Make) -> None:
    settings = make("int8", qscheme="per_channel", axis=0)
    x = torch.tensor([[1.0, math.inf, -2.0], [math.nan, math.nan, 4.0]])
    assert qf.dynamic_parameters(x, settings).scale.tolist() == torch.tensor([2.0, 4.0]).div(127).tolist()
    y = qf.quantize_dequantize(x, settings)
    assert y[0, 1] == 2.0
    assert y.isnan().tolist() == [[False] * 3, [True, True, False]]


def test_config_objects_are_resolved() -> None:
    from quark_core.config.models import TensorConfig

    x = torch.tensor([0.5, -127.0, 64.25])
    assert qf.quantize_dequantize(x, TensorConfig(dtype="int8")).tolist() == [0.0, -127.0, 64.0]


def test_leaves_that_need_a_gradient_can_be_written(make: Make) -> None:
    weight = torch.nn.Parameter(torch.randn(4, 8))
    assert qf.quantize_dequantize(weight, make("int4"), out=weight) is weight
    assert not qf.quantize_dequantize(weight, make("int4")).requires_grad


def test_errors(make: Make) -> None:
    x = torch.randn(4, 6)
    with pytest.raises(UsageError, match=r"torch\.int64"):
        qf.quantize_dequantize(torch.arange(3), make("int8"))
    with pytest.raises(UsageError, match="out must be like the input"):
        qf.quantize_dequantize(x, make("int8"), out=torch.empty(4, 5))
    with pytest.raises(UsageError, match=r"params.scale is \(4,\)"):
        qf.quantize_dequantize(x, make("int8"), qf.QParams(torch.ones(4), torch.zeros(4)))
    with pytest.raises(UsageError, match="int8 needs params"):
        qf.dequantize(torch.zeros(3, dtype=torch.int8), make("int8"), None)
    with pytest.raises(ModelError, match="groups of 32 do not divide"):
        qf.quantize(x, make("mx"))
