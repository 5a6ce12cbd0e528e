import math
from collections.abc import Callable
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import quark_core.functional as qf
from quark_core.plugin.formats import CodebookFormat
from quark_core.plugin.settings import Settings

Make = Callable[..., Settings]


def gradient(x: torch.Tensor, settings: Settings, params: qf.QParams | None) -> list[float]:
    x = x.clone().requires_grad_()
    y = qf.fake_quantize(x, settings, params)
    assert torch.equal(y, qf.quantize_dequantize(x, settings, params))
    y.backward(torch.full_like(x, 3.0))  # type: ignore[no-untyped-call]  # torch leaves backward untyped
    assert x.grad is not None
    assert x.grad.dtype == x.dtype
    return [float(g) for g in x.grad.flatten()]


def params(scale: float, zero: float = 0.0) -> qf.QParams:
    return qf.QParams(torch.tensor([scale]), torch.tensor([float(zero)]))


ROUNDED: dict[str, Callable[[Fraction], int]] = {
    "half_even": round,
    "round": lambda v: math.floor(abs(v) + Fraction(1, 2)) * (1 if v > 0 else -1),
    "floor": math.floor,
}
PASSING = {
    "half_even": [-128.5, 127.49999],
    "round": [-128.49998, 127.49999],
    "floor": [-128.0, 127.99999],
    "stochastic": [-128.99998, 127.99999],
}
CLIPPED = {
    "half_even": [-128.50002, 127.5],
    "round": [-128.5, 127.5],
    "floor": [-128.00002, 128.0],
    "stochastic": [-129.0, 128.0],
}


@pytest.mark.parametrize("rounding", PASSING)
def test_integers_pass_where_they_round_to_a_code(make: Make, rounding: str) -> None:
    v = [*PASSING[rounding], *CLIPPED[rounding], 0.0, 1e30, -math.inf, math.inf]
    expected = [3.0, 3.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0]
    assert gradient(torch.tensor(v) / 2, make("int8", rounding), params(0.5)) == expected


@pytest.mark.parametrize("rounding", ROUNDED)
@given(
    xs=st.lists(st.floats(-40, 40, width=16) | st.integers(-80, 80).map(lambda half: half / 2), min_size=1),
    exponent=st.integers(-2, 2),
    zero=st.integers(0, 15),
)
def test_any_integer_passes_where_its_rounding_is_a_code(
    make: Make, rounding: str, xs: list[float], exponent: int, zero: int
) -> None:
    codes = [ROUNDED[rounding](Fraction(x) / Fraction(2) ** exponent) + zero for x in xs]
    settings = make("uint4", rounding, symmetric=False)
    expected = [3.0 if 0 <= code <= 15 else 0.0 for code in codes]
    assert gradient(torch.tensor(xs), settings, params(2.0**exponent, zero)) == expected


@given(xs=st.lists(st.floats(-300, 300, width=32), min_size=1), zero=st.integers(-128, 127))
def test_gradients_as_torch(make: Make, xs: list[float], zero: int) -> None:
    x = torch.tensor(xs, requires_grad=True)
    torch.fake_quantize_per_tensor_affine(x, 0.5, zero, -128, 127).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    settings = make("int8", symmetric=False)
    assert gradient(torch.tensor(xs), settings, params(0.5, zero)) == (3 * x.grad).tolist()


def test_nan_passes(make: Make) -> None:
    x = torch.tensor([math.nan, 1.0], requires_grad=True)
    qf.fake_quantize(x, make("int8"), params(1.0)).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert x.grad.tolist() == [1.0, 1.0]


def test_the_zero_point_shifts_the_range(make: Make) -> None:
    x = torch.tensor([-4.0, -3.4, 12.4, 13.0])
    assert gradient(x, make("uint4", symmetric=False), params(1.0, 3.0)) == [0.0, 3.0, 3.0, 0.0]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_the_gradient_has_the_dtype_of_the_input(make: Make, dtype: torch.dtype) -> None:
    assert gradient(torch.tensor([900.0, -896.0, 1.0], dtype=dtype), make("fp8_e4m3"), params(2.0)) == [0.0, 3.0, 3.0]


def test_codebooks(make: Make) -> None:
    settings = make(CodebookFormat((-1.0, 0.0, 0.5)))
    assert gradient(torch.tensor([-2.5, -2.0, 1.0, 1.5]), settings, params(2.0)) == [0.0, 3.0, 3.0, 0.0]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "mx", "mxint8", "nvfp4"])
def test_casts_and_mx_pass_everything(make: Make, dtype: str) -> None:
    assert gradient(torch.linspace(-1e6, 1e6, 32), make(dtype), None) == [3.0] * 32


def test_each_block_has_its_bounds(make: Make) -> None:
    settings = make("int4", qscheme="per_channel", axis=1)
    scales = qf.QParams(torch.tensor([1.0, 10.0]), torch.zeros(2))
    assert gradient(torch.tensor([[9.0, 9.0], [1.0, 90.0]]), settings, scales) == [0.0, 3.0, 3.0, 0.0]


@pytest.mark.parametrize("rounding", ["half_even", "round", "floor", "stochastic"])
@pytest.mark.parametrize("dtype", ["int8", "uint4", "fp8_e4m3", "fp8_e5m2", "fp6_e2m3", "fp4_e2m1", "nf4"])
@given(xs=st.lists(st.floats(2.0**-60, 2.0**60, width=32), min_size=1, max_size=9))
def test_dynamic_scales_pass_everything(make: Make, dtype: str, rounding: str, xs: list[float]) -> None:
    assert gradient(torch.tensor(xs), make(dtype, rounding), None) == [3.0] * len(xs)


def test_no_graph_without_need(make: Make) -> None:
    assert qf.fake_quantize(torch.ones(3), make("int8")).grad_fn is None
    with torch.no_grad():
        assert qf.fake_quantize(torch.ones(3, requires_grad=True), make("int8")).grad_fn is None
