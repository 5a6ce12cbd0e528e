"""Order statistics against sorting."""

import numpy as np
import pytest
import torch

from quark_observers.selection import from_end


@pytest.mark.parametrize("columns", [1, 2, 15, 16, 17, 100, 1000, 4099])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.05, 0.3, 0.99, 1.0])
@pytest.mark.parametrize("seldom", [None, np.nan, np.inf, -np.inf])
def test_any_rank(columns: int, share: float, seldom: float | None) -> None:
    generator = np.random.default_rng(columns)
    # Whole numbers, so that there are equal ones.
    values = (generator.standard_normal((3, columns)) * 50).round().astype(np.float32)
    if seldom is not None:
        values[1, generator.integers(columns, size=2)] = seldom
    ordered, rank = np.sort(values, 1), int(share * (columns - 1))
    smallest, largest = (from_end(torch.from_numpy(values), rank, largest=side).numpy() for side in (False, True))
    np.testing.assert_array_equal(smallest, ordered[:, rank])
    np.testing.assert_array_equal(largest, ordered[:, columns - 1 - rank])
