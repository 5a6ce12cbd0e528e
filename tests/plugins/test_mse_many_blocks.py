"""The mse observer on more blocks than it looks at one by one, against full passes over the values in float64."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from quark_core.config.type import ScaleType
from quark_core.plugin import FloatFormat, IntFormat, Settings
from quark_observers import MseOptions, bit_histogram
from quark_observers.mse import Mse
from tests.plugins.mse_losses import Array, fp8_loss, int_loss
from tests.plugins.sketch_settings import settings

Loss = Callable[[Array, float, float], float]
RATIOS = np.arange(1, 101) / 100
BLOCKS = 40


def values(kind: str, elements: int = 1500) -> Tensor:
    drawn = getattr(np.random.default_rng(5), kind)(size=(BLOCKS, elements)) * np.logspace(-9, 9, BLOCKS)[:, None]
    return torch.from_numpy(drawn.astype(np.float32))


def excess(blocks: Tensor, told: Settings, loss: Loss, p: float = 2.0) -> Array:
    """Return, per block, the loss of the range found over the least of all candidates'."""
    observer = Mse(MseOptions(candidates=100, p=p))
    observer.for_settings(told)
    observer.observe(blocks)
    lo, hi = observer.range()
    found = []
    for row, low, high in zip(blocks.double().numpy(), lo.tolist(), hi.tolist(), strict=True):
        unit = np.abs(row).max()
        least = min(loss(row / unit, row.min() * r / unit, row.max() * r / unit) for r in RATIOS)
        found.append(loss(row / unit, low / unit, high / unit) / least)
    return np.array(found)


def of_ints(bits: int, symmetric: bool, p: float) -> Loss:
    return lambda row, low, high: int_loss(row, (low, high), bits, symmetric, p)


@pytest.fixture(params=["fine", "coarse"])
def bins(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "coarse":
        # As many bins for each block as 4096 blocks have.
        monkeypatch.setattr(bit_histogram, "_BINS", BLOCKS << 10)
    return str(request.param)


@pytest.mark.parametrize("kind", ["standard_normal", "laplace", "standard_cauchy", "standard_exponential"])
@pytest.mark.parametrize("p", [1.0, 2.0, 2.4])
@pytest.mark.parametrize(("bits", "symmetric"), [(8, True), (4, True), (8, False), (3, False)])
def test_nearly_as_good_as_a_full_search(kind: str, p: float, bits: int, symmetric: bool, bins: str) -> None:
    told = settings(IntFormat(bits, signed=symmetric), symmetric=symmetric)
    over = excess(values(kind), told, of_ints(bits, symmetric, p), p)
    # The rounding errors of single values are averages where bins are wider than steps.
    most = 1.03 if bins == "fine" else 1.1 if bits == 8 else 1.02
    assert over.max() <= most
    assert over.mean() <= 1.02


@pytest.mark.parametrize("kind", ["standard_normal", "laplace"])
def test_floats_are_searched_on_their_own_grid(kind: str, bins: str) -> None:
    over = excess(values(kind, 800), settings(FloatFormat(4, 3, "fn")), fp8_loss)
    assert over.max() <= 1.1
    assert over.mean() <= 1.02


@pytest.mark.parametrize("bits", [8, 4])
def test_values_that_fit_are_not_clipped(bits: int) -> None:
    most = 2 ** (bits - 1) - 1
    drawn = np.random.default_rng(8).integers(-most, most + 1, size=(BLOCKS, 3000)).astype(np.float32)
    drawn[:, 0] = most
    drawn *= np.linspace(1, 2, BLOCKS, dtype=np.float32)[:, None]
    observer = Mse(MseOptions(candidates=100, p=2.0))
    observer.for_settings(settings(IntFormat(bits)))
    observer.observe(torch.from_numpy(drawn))
    assert [bound.tolist() for bound in observer.range()] == [drawn.min(1).tolist(), drawn.max(1).tolist()]


@pytest.mark.usefixtures("bins")
@pytest.mark.parametrize("symmetric", [True, False])
def test_constants_and_zeros_have_their_own_range(symmetric: bool) -> None:
    blocks = torch.tensor([0.0, 2.5, -0.1, 1e-38, 1e-45, 1e30, -3e38, 0.0] * 5)[:, None].repeat(1, 20)
    observer = Mse(MseOptions(candidates=100, p=2.0))
    observer.for_settings(settings(IntFormat(8, signed=symmetric), symmetric=symmetric))
    observer.observe(blocks)
    lo, hi = observer.range()
    assert torch.equal(lo, blocks[:, 0])
    assert torch.equal(hi, blocks[:, 0])


@pytest.mark.usefixtures("bins")
def test_a_power_of_two_is_the_best_one() -> None:
    blocks = values("laplace")
    observer = Mse(MseOptions(candidates=100, p=2.0))
    observer.for_settings(settings(IntFormat(4), scale_type=ScaleType.pof2))
    observer.observe(blocks)
    largest = torch.maximum(*(bound.abs() for bound in observer.range())).double().numpy()
    for row, found in zip(blocks.double().numpy(), np.exp2(np.rint(np.log2(largest / 7))), strict=True):
        losses = {
            scale: ((np.clip(np.rint(row / scale), -8, 7) * scale - row) ** 2).sum()
            for scale in np.exp2(np.rint(np.log2(np.abs(row).max() * RATIOS / 7)))
        }
        assert losses[found] <= min(losses.values()) * 1.02
