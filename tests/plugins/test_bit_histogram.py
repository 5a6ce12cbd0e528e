"""What a histogram of many blocks keeps when it grows."""

import numpy as np
import pytest
import torch
from torch import Tensor

from quark_observers.bit_histogram import BitHistogram

BLOCKS, EVERY = 40, slice(None)


def counted(*batches: Tensor) -> BitHistogram:
    histogram = BitHistogram(len(batches[0]), torch.device("cpu"))
    for batch in batches:
        histogram.add(batch, batch.amin(1), batch.amax(1))
    return histogram


@pytest.mark.parametrize("blocks", [1, BLOCKS])
def test_counts_outgrow_their_first_dtype(blocks: int) -> None:
    batch = torch.full((blocks, 30_000), -1.5)
    histogram = counted(batch, batch)
    assert histogram.counts(EVERY)[:, 0].amax(1).tolist() == [60_000] * blocks
    histogram.merge(counted(batch))
    assert histogram.counts(EVERY)[:, 0].amax(1).tolist() == [90_000] * blocks
    assert histogram.counts(EVERY).sum().item() == 90_000 * blocks


def test_nothing_gets_lost_when_windows_move() -> None:
    small = torch.randn(BLOCKS, 500, generator=torch.Generator().manual_seed(1))
    for batches in ((small, small * 1e6), (small * 1e6, small), (small, small * 1e-30)):
        assert counted(*batches).counts(EVERY).sum((1, 2)).tolist() == [1000] * BLOCKS


@pytest.mark.parametrize("blocks", [2, BLOCKS])
def test_linear_bins(blocks: int) -> None:
    values = torch.randn(blocks, 50_000, generator=torch.Generator().manual_seed(2))
    limits = torch.stack([-values.amin(1), values.amax(1)], 1)
    found = counted(values).linear(limits, 64, EVERY).numpy()
    for row, (low, high), sides in zip(values.numpy(), limits.tolist(), found, strict=True):
        for side, limit, within in ((-row, low, sides[0]), (row, high, sides[1])):
            exact, _ = np.histogram(side[side > 0], 64, (0, limit))
            # Bins are at most 2^-8 of their values wide: of each linear one only what is near its edges may stray.
            np.testing.assert_allclose(within, exact, atol=0.2 * exact.max() ** 0.5 + 0.02 * exact.max())
            np.testing.assert_allclose(within.sum(), exact.sum(), rtol=1e-3)
