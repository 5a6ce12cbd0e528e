"""Batch norm in a weight and a bias, against torch in float64."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from quark_core.engine.folding import Norm, folded

torch.manual_seed(12)
MEAN, VARIANCE = torch.randn(5), torch.rand(5) + 0.1
SCALE, SHIFT = torch.randn(5), torch.randn(5)
X = torch.randn(7, 3)


def exact(x: Tensor, affine: bool) -> Tensor:
    scale, shift = (SCALE.double(), SHIFT.double()) if affine else (None, None)
    return functional.batch_norm(x, MEAN.double(), VARIANCE.double(), scale, shift, eps=1e-3)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("bias", [torch.randn(5), None])
def test_linear(bias: Tensor | None, affine: bool) -> None:
    weight = torch.randn(5, 3)
    norm = Norm(MEAN, VARIANCE, SCALE if affine else None, SHIFT if affine else None, 1e-3)
    new, moved = folded(weight, bias, norm)
    expected = exact(functional.linear(X.double(), weight.double(), None if bias is None else bias.double()), affine)
    found = functional.linear(X.double(), new.double(), moved.double())
    assert (found - expected).abs().max() < 4 * torch.finfo(torch.float32).eps * expected.abs().max()
    assert (new.dtype, moved.dtype, new.shape, moved.shape) == (torch.float32, torch.float32, weight.shape, (5,))


def test_the_axis_of_output_channels() -> None:
    weight = torch.randn(3, 5, 2)
    norm = Norm(MEAN, VARIANCE, SCALE, SHIFT, 1e-3)
    new, moved = folded(weight, None, norm, 1)
    again, same = folded(weight.transpose(0, 1), None, norm)
    assert torch.equal(new, again.transpose(0, 1))
    assert torch.equal(moved, same)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_the_dtype_of_the_weight_stays_and_is_rounded_to_once(dtype: torch.dtype) -> None:
    weight = torch.randn(5, 3).to(dtype)
    new, moved = folded(weight, None, Norm(MEAN, VARIANCE, SCALE, SHIFT, 1e-3))
    factor = SCALE.double() / (VARIANCE.double() + 1e-3).sqrt()
    assert (new.dtype, moved.dtype) == (dtype, dtype)
    limit = torch.finfo(dtype).eps * 0.51 if dtype != torch.float64 else 1e-15
    expected = weight.double() * factor[:, None]
    assert ((new.double() - expected).abs() <= limit * expected.abs() + 1e-300).all()


def test_parameters_are_not_changed_and_need_no_gradient() -> None:
    weight = torch.randn(5, 3, requires_grad=True)
    before = weight.detach().clone()
    new, moved = folded(weight, None, Norm(MEAN, VARIANCE, SCALE, SHIFT, 1e-3))
    assert torch.equal(weight, before)
    assert not new.requires_grad
    assert not moved.requires_grad
