import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from quark_core.engine.kernels.cells import NO_STEP, Cells, thresholds_of
from quark_core.engine.kernels.scratch import Scratch

ODD = [0.0, -0.0, math.inf, -math.inf, 1e-45, -1e-45, 3.4028235e38, -3.4028235e38]
SPARSE = st.sets(
    st.just(0.0)
    | st.builds(
        lambda sign, eighths, exponent: math.ldexp(sign * eighths, exponent),
        st.sampled_from([-1, 1]),
        st.integers(8, 15),
        st.integers(-129, 124),
    ),
    min_size=1,
    max_size=20,
)
"""0 and eighths of powers of two: never two in a cell."""


def every_pattern_and_neighbours(thresholds: Tensor) -> Tensor:
    every = torch.arange(-(1 << 15), 1 << 15).short()
    near = [thresholds.nextafter(torch.full_like(thresholds, side)) for side in (-math.inf, math.inf)]
    return torch.cat([every.view(torch.float16).float(), every.view(torch.bfloat16).float(), thresholds, *near])


@given(steps=st.sets(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1))
def test_thresholds_are_found_again(steps: set[float]) -> None:
    expected = torch.tensor(sorted(steps))
    found = thresholds_of(lambda v: (v[:, None] >= expected).sum(1), 1 + len(expected))
    assert found.tolist() == expected.tolist()


@given(thresholds=SPARSE)
def test_the_step_is_the_number_of_thresholds_reached(thresholds: set[float]) -> None:
    ordered = torch.tensor(sorted(thresholds))
    cells = Cells.of(ordered)
    assert cells is not None
    x = torch.cat([every_pattern_and_neighbours(ordered), torch.tensor(ODD)])
    steps = cells.steps[cells.find(x, Scratch())].numpy()
    expected = np.searchsorted(ordered.numpy(), x.numpy(), side="right")
    assert np.array_equal(steps, np.where(np.isnan(x.numpy()), NO_STEP, expected))


@pytest.mark.parametrize("first", [1.0, -1.0])
def test_thresholds_may_be_too_close(first: float) -> None:
    one = torch.tensor([first])
    neighbours = torch.cat([one, one.nextafter(2 * one), one.nextafter(2 * one).nextafter(2 * one)]).sort().values
    assert Cells.of(neighbours) is None


def test_any_shape() -> None:
    cells = Cells.of(torch.tensor([0.5]))
    assert cells is not None
    x = torch.tensor([[0.0, 1.0], [2.0, -1.0], [math.nan, 0.5]]).t()
    assert cells.steps[cells.find(x, Scratch())].tolist() == [[0, 1, NO_STEP], [1, 0, 1]]
