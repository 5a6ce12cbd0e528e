from collections.abc import Callable

import pytest
import torch

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
    return qf.QParams(torch.tensor([scale]), torch.tensor([zero]))


def test_integers_pass_half_a_step_beyond_the_ends(make: Make) -> None:
    x = torch.tensor([-64.5, -64.25, -1.0, 63.75, 64.0])
    assert gradient(x, make("int8"), params(0.5)) == [0.0, 3.0, 3.0, 3.0, 0.0]


def test_the_zero_point_shifts_the_range(make: Make) -> None:
    x = torch.tensor([-4.0, -3.5, 12.5, 13.0])
    assert gradient(x, make("uint4", symmetric=False), params(1.0, 3.0)) == [0.0, 3.0, 3.0, 0.0]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_the_gradient_has_the_dtype_of_the_input(make: Make, dtype: torch.dtype) -> None:
    assert gradient(torch.tensor([900.0, -896.0, 1.0], dtype=dtype), make("fp8_e4m3"), params(2.0)) == [0.0, 3.0, 3.0]


def test_codebooks(make: Make) -> None:
    settings = make(CodebookFormat((-1.0, 0.0, 0.5)))
    assert gradient(torch.tensor([-2.5, -2.0, 1.0, 1.5]), settings, params(2.0)) == [0.0, 3.0, 3.0, 0.0]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "mx"])
def test_casts_and_mx_pass_everything(make: Make, dtype: str) -> None:
    assert gradient(torch.linspace(-1e6, 1e6, 32), make(dtype), None) == [3.0] * 32


def test_each_block_has_its_bounds(make: Make) -> None:
    settings = make("int4", qscheme="per_channel", axis=1)
    scales = qf.QParams(torch.tensor([1.0, 10.0]), torch.zeros(2))
    assert gradient(torch.tensor([[9.0, 9.0], [1.0, 90.0]]), settings, scales) == [0.0, 3.0, 3.0, 0.0]


def test_dynamic_scales_pass_everything(make: Make) -> None:
    assert gradient(torch.linspace(-5, 7, 12), make("int8"), None) == [3.0] * 12


def test_no_graph_without_need(make: Make) -> None:
    assert qf.fake_quantize(torch.ones(3), make("int8")).grad_fn is None
    with torch.no_grad():
        assert qf.fake_quantize(torch.ones(3, requires_grad=True), make("int8")).grad_fn is None
