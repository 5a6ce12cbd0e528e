"""The mse observer against full passes over the values in float64."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from quark_core.config.type import ScaleType
from quark_core.plugin import FloatFormat, IntFormat
from quark_observers import MseOptions
from quark_observers.mse import Mse
from tests.plugins.mse_losses import fp8_loss, int_loss
from tests.plugins.sketch_settings import settings


def values(kind: str, *shape: int, seed: int = 0) -> Tensor:
    generator = np.random.default_rng(seed)
    return torch.from_numpy(getattr(generator, kind)(size=shape).astype(np.float32))


def observed(blocks: Tensor, *, told: Any = None, candidates: int = 100, p: float = 2.0) -> tuple[Tensor, Tensor]:
    observer = Mse(MseOptions(candidates=candidates, p=p))
    if told is not None:
        observer.for_settings(told)
    observer.observe(blocks)
    return observer.range()


@pytest.mark.parametrize("kind", ["standard_normal", "laplace", "standard_cauchy", "random"])
@pytest.mark.parametrize("p", [1.0, 2.0, 2.4])
@pytest.mark.parametrize(("bits", "symmetric"), [(8, True), (4, True), (8, False), (3, False)])
def test_as_good_as_a_full_search(kind: str, p: float, bits: int, symmetric: bool) -> None:
    blocks = values(kind, 2, 4000) * 3 + (0 if symmetric else 1)
    lo, hi = observed(blocks, told=settings(IntFormat(bits, signed=symmetric), symmetric=symmetric), p=p)
    for row, low, high in zip(blocks.double().numpy(), lo.tolist(), hi.tolist(), strict=True):
        ratios = np.arange(1, 101) / 100
        best = min(int_loss(row, (row.min() * r, row.max() * r), bits, symmetric, p) for r in ratios)
        # A value counts as the middle of its bin, 2^-9 of it away at most.
        assert int_loss(row, (low, high), bits, symmetric, p) <= best * 1.02


@pytest.mark.parametrize("kind", ["standard_normal", "laplace", "standard_cauchy"])
def test_floats_are_searched_on_their_own_grid(kind: str) -> None:
    blocks = values(kind, 1, 20_000)
    lo, hi = observed(blocks, told=settings(FloatFormat(4, 3, "fn")))
    row = blocks[0].double().numpy()
    best = min(fp8_loss(row, row.min() * r, row.max() * r) for r in np.arange(1, 101) / 100)
    assert fp8_loss(row, lo.item(), hi.item()) <= best * 1.02


def test_int8_symmetric_is_assumed() -> None:
    blocks = values("laplace", 3, 5000)
    assert torch.equal(observed(blocks)[1], observed(blocks, told=settings(IntFormat(8)))[1])


def test_the_scale_type_counts() -> None:
    blocks = values("laplace", 1, 5000)
    _, hi = observed(blocks, told=settings(IntFormat(4), scale_type=ScaleType.pof2))
    _, other = observed(blocks, told=settings(IntFormat(4)))
    assert hi.item() != other.item()


def test_an_outlier_is_clipped_and_what_fits_is_not() -> None:
    blocks = values("standard_normal", 1, 100_000)
    blocks[0, 17] = 300.0
    _, hi = observed(blocks)
    assert 3 < hi.item() < 299
    grid = torch.arange(-127.0, 128.0)[None]
    assert [bound.item() for bound in observed(grid)] == [-127.0, 127.0]


@pytest.mark.parametrize("value", [0.0, 2.5, -0.1, 1e-20, 1e30, -3e38])
def test_a_constant_is_its_own_range(value: float) -> None:
    lo, hi = observed(torch.full((2, 40), value))
    assert lo.tolist() == hi.tolist() == torch.full((2,), value).tolist()


def test_one_candidate_is_min_max() -> None:
    blocks = values("standard_cauchy", 2, 999)
    lo, hi = observed(blocks, candidates=1)
    assert torch.equal(lo, blocks.amin(1))
    assert torch.equal(hi, blocks.amax(1))
