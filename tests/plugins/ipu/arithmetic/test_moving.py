"""Moves of integers, beside torch's own of floating-point numbers."""

import pytest
import torch
from torch.nn import functional

from quark_ipu.arithmetic.moving import adaptive_max_pool, by_bytes, max_pool1d


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (7, 5), (4, None)])
def test_adaptive_max_pools(size: tuple[int | None, ...]) -> None:
    x = torch.randint(-99, 99, (2, 3, 7, 5), dtype=torch.int32)
    assert torch.equal(adaptive_max_pool(x, size).float(), functional.adaptive_max_pool2d(x.float(), size))  # type: ignore[arg-type]  # torch takes None too


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_pools_along_one_axis(ceil_mode: bool) -> None:
    x = torch.randint(-99, 99, (2, 3, 11), dtype=torch.int32)
    expected = functional.max_pool1d(x.float(), 3, 2, 1, 2, ceil_mode)
    assert torch.equal(max_pool1d(x, 3, 2, 1, 2, ceil_mode=ceil_mode).float(), expected)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_bytes_carry_whole_numbers(rank: int) -> None:
    x = torch.randint(-(2**23), 2**23, (2, 3, *[4] * rank), dtype=torch.int32)
    found = by_bytes(x, lambda part: functional.interpolate(part, scale_factor=2))
    assert torch.equal(found.float(), functional.interpolate(x.float(), scale_factor=2))
