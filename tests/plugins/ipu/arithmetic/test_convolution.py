"""Convolutions of integers, beside torch's own in float64."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from quark_ipu.arithmetic.convolution import Walk, convolve, convolve_transposed


def whole(*shape: int) -> Tensor:
    return torch.randint(-128, 128, shape, dtype=torch.int32)


def options(walk: Walk) -> dict[str, Any]:
    return {"stride": walk.stride, "padding": walk.padding, "dilation": walk.dilation, "groups": walk.groups}


@pytest.mark.parametrize(
    ("rank", "walk", "kernel", "weight"),
    [
        (1, Walk((1,), (0,), (1,), 1), (3,), (6, 4)),
        (1, Walk((3,), (2,), (2,), 2), (4,), (6, 2)),
        (2, Walk((1, 1), (0, 0), (1, 1), 1), (1, 1), (6, 4)),
        (2, Walk((2, 1), (1, 2), (1, 3), 2), (3, 2), (6, 2)),
        (2, Walk((2, 2), (1, 1), (1, 1), 4), (3, 3), (4, 1)),
        (2, Walk((1, 1), (1, 1), (1, 1), 4), (3, 3), (8, 1)),
        (3, Walk((1, 2, 1), (1, 0, 1), (1, 1, 2), 2), (2, 3, 2), (4, 2)),
    ],
)
def test_convolutions(rank: int, walk: Walk, kernel: tuple[int, ...], weight: tuple[int, int]) -> None:
    torch.manual_seed(rank)
    x, w = whole(2, 4, *[9] * rank), whole(*weight, *kernel)
    own: Any = getattr(functional, f"conv{rank}d")
    assert torch.equal(convolve(x, w, walk).double(), own(x.double(), w.double(), None, **options(walk)))


@pytest.mark.parametrize(
    ("rank", "walk", "kernel", "weight"),
    [
        (1, Walk((2,), (1,), (1,), 1, (1,)), (3,), (4, 5)),
        (2, Walk((1, 1), (0, 0), (1, 1), 1, (0, 0)), (3, 3), (4, 5)),
        (2, Walk((2, 3), (1, 2), (2, 1), 2, (1, 2)), (3, 4), (4, 3)),
        (2, Walk((2, 2), (0, 0), (1, 1), 4, (0, 0)), (2, 2), (4, 1)),
        (3, Walk((2, 1, 2), (1, 1, 0), (1, 2, 1), 2, (1, 0, 0)), (2, 2, 3), (4, 1)),
    ],
)
def test_transposed(rank: int, walk: Walk, kernel: tuple[int, ...], weight: tuple[int, int]) -> None:
    torch.manual_seed(rank)
    x, w = whole(2, 4, *[5] * rank), whole(*weight, *kernel)
    own: Any = getattr(functional, f"conv_transpose{rank}d")
    expected = own(x.double(), w.double(), None, output_padding=walk.output_padding, **options(walk))
    assert torch.equal(convolve_transposed(x, w, walk).double(), expected)


def test_sums_beyond_16_and_24_bits_are_exact() -> None:
    x, w = torch.full((1, 5000, 1), -128, dtype=torch.int32), torch.full((1, 5000, 1), 127, dtype=torch.int32)
    assert int(convolve(x, w, Walk((1,), (0,), (1,), 1))) == -128 * 127 * 5000
