import math
from fractions import Fraction
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from quark_core.errors import DataError
from quark_core.plugin import ObserverSpec
from quark_observers import OBSERVERS, MinMaxOptions, MovingAverageOptions, PercentileOptions, bit_histogram, percentile
from quark_observers.min_max import MinMax
from quark_observers.moving_average import MovingAverage
from quark_observers.percentile import Percentile


def data(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def batches(values: Tensor, size: int) -> list[Tensor]:
    return [values[:, start : start + size] for start in range(0, values.shape[1], size)]


def ranges(observer: Any) -> list[list[float]]:
    lo, hi = observer.range()
    assert lo.dtype == hi.dtype == torch.float32
    assert lo.shape == hi.shape
    return [lo.tolist(), hi.tolist()]


def new_percentile(percent: float) -> Percentile:
    return Percentile(PercentileOptions(percentile=percent))


def inverted_cdf(values: Tensor, percent: float) -> list[float]:
    """Return the smallest value of each row that at least ``percent`` % of its values do not exceed."""
    rank = math.ceil(Fraction(repr(percent)) * values.shape[1] / 100)
    return [float(np.sort(row)[rank - 1]) for row in values.numpy()]


@pytest.fixture(params=["kept", "counted"])
def storage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "counted":
        monkeypatch.setattr(percentile, "EXACT_TOTAL", 500)
        monkeypatch.setattr(percentile, "EXACT_PER_BLOCK", 100)
        monkeypatch.setattr(bit_histogram, "_BINS", 1 << 12)
    return str(request.param)


def test_min_max() -> None:
    parts = [data(3, 50, seed=seed) for seed in range(4)]
    whole, a, b = (MinMax(MinMaxOptions()) for _ in range(3))
    for i, batch in enumerate(parts):
        whole.observe(batch)
        (a, b)[i % 2].observe(batch)
    every = torch.cat(parts, 1).numpy()
    assert ranges(whole) == [every.min(1).tolist(), every.max(1).tolist()]
    a.merge(b)
    assert ranges(a) == ranges(whole)


def test_moving_average() -> None:
    observer = MovingAverage(MovingAverageOptions(momentum=0.75))
    for lo, hi in ((-1.0, 2.0), (-3.0, 1.0), (0.0, 8.0)):
        observer.observe(torch.tensor([[lo, 0.5, hi]]))
    assert ranges(observer) == [[-1.0 * 0.5625 - 3.0 * 0.1875], [2.0 * 0.5625 + 1.0 * 0.1875 + 8.0 * 0.25]]


def test_moving_averages_merge_by_number_of_batches() -> None:
    def observed(values: list[float]) -> MovingAverage:
        observer = MovingAverage(MovingAverageOptions(momentum=0.5))
        for value in values:
            observer.observe(torch.tensor([[-value, value]]))
        return observer

    parts = [[1.0], [2.0, 4.0], [5.0, 5.0, 5.0], []]
    merged = []
    for order in permutations(parts):
        total = observed(order[0])
        for part in order[1:]:
            total.merge(observed(part))
        merged.append(ranges(total))
    expected = float(np.float32((1 * 1.0 + 2 * 3.0 + 3 * 5.0) / 6))
    assert merged == [[[-expected], [expected]]] * len(merged)


@pytest.mark.parametrize("percent", [50.5, 75.0, 99.0, 99.9, 99.99, 100.0])
def test_percentile_is_exact_for_few_values(percent: float) -> None:
    values = data(4, 1000)
    observer = new_percentile(percent)
    for batch in batches(values, 300):
        observer.observe(batch)
    assert ranges(observer) == [[-v for v in inverted_cdf(-values, percent)], inverted_cdf(values, percent)]


@pytest.mark.parametrize("percent", [75.0, 98.0, 99.9])
def test_percentile_of_many_blocks_is_exact_for_more_values(percent: float) -> None:
    values = data(50, 60_000)
    one, other = (new_percentile(percent) for _ in range(2))
    # Batches of one value and of many, which are kept in different pieces.
    for observer, batch in zip((one, other, one, other), torch.split(values, [1, 40_000, 19_992, 7], 1), strict=True):
        observer.observe(batch)
    one.merge(other)
    assert ranges(one) == [[-v for v in inverted_cdf(-values, percent)], inverted_cdf(values, percent)]


@pytest.mark.parametrize("percent", [75.0, 99.0, 99.9, 99.99])
@pytest.mark.parametrize("shift", [0.0, 3.0, -3.0, 100.0])
def test_percentile_of_many_values(percent: float, shift: float) -> None:
    values = data(2, 550_000) + shift
    observer = new_percentile(percent)
    for batch in batches(values, 200_000):
        observer.observe(batch)
    lo, hi = ranges(observer)
    exact_lo, exact_hi = [-v for v in inverted_cdf(-values, percent)], inverted_cdf(values, percent)
    for block in range(2):
        assert exact_hi[block] <= hi[block] <= exact_hi[block] + abs(exact_hi[block]) * 2.0**-8
        assert exact_lo[block] >= lo[block] >= exact_lo[block] - abs(exact_lo[block]) * 2.0**-8


@pytest.mark.usefixtures("storage")
@pytest.mark.parametrize("percent", [60.0, 99.0, 100.0])
def test_percentile_does_not_depend_on_batches_or_order(percent: float) -> None:
    # Growing magnitudes, so that the histogram's window moves.
    values = data(3, 400) * torch.logspace(-12, 6, 400)
    values[:, ::7] = 0.0
    whole = new_percentile(percent)
    whole.observe(values)
    for order in list(permutations(range(4)))[::5]:
        parts = [new_percentile(percent) for _ in order]
        for at, part in zip(order, parts, strict=True):
            for batch in batches(values[:, at * 100 : at * 100 + 100], 30 + at):
                part.observe(batch)
        first, second, third, fourth = parts
        first.merge(second)
        third.merge(fourth)
        first.merge(third)
        assert ranges(first) == ranges(whole)


@pytest.mark.usefixtures("storage")
def test_percentile_100_is_min_max() -> None:
    values = data(3, 2000) * 1e-3
    a, b = new_percentile(100.0), MinMax(MinMaxOptions())
    for batch in batches(values, 333):
        a.observe(batch)
        b.observe(batch)
    assert ranges(a) == ranges(b)


def test_percentile_with_very_many_blocks_stays_bounded() -> None:
    observer = new_percentile(90.0)
    values = data(3000, 3000)
    observer.observe(values)
    assert observer._histogram is not None
    assert observer._histogram._counts.numel() <= 1 << 22
    lo, hi = ranges(observer)
    exact = inverted_cdf(values, 90.0)
    assert all(e <= h <= e * (1 + 2.0**-5) for e, h in zip(exact, hi, strict=True))
    assert all(value < 0 for value in lo)


@pytest.mark.usefixtures("storage")
def test_percentile_of_constants_zeros_and_one_sign() -> None:
    for values in (torch.zeros(1, 1000), torch.full((1, 1000), 3.5), -data(1, 1000).abs(), data(1, 1000).abs()):
        observer = new_percentile(99.0)
        observer.observe(values)
        (lo,), (hi,) = ranges(observer)
        assert values.min() <= lo <= hi <= values.max()


@pytest.mark.usefixtures("storage")
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_observers_survive_what_is_not_finite(bad: float) -> None:
    values = data(2, 700)
    values[0, 3] = bad
    for observer in (MinMax(MinMaxOptions()), MovingAverage(MovingAverageOptions(momentum=0.9)), new_percentile(99.0)):
        observer.observe(values)
        observer.observe(values * 2)
        assert len(ranges(observer)[0]) == 2


def test_observers_keep_no_reference_to_the_batch() -> None:
    for observer in (MinMax(MinMaxOptions()), MovingAverage(MovingAverageOptions(momentum=0.9)), new_percentile(99.0)):
        values = data(2, 100)
        observer.observe(values)
        before = ranges(observer)
        values.zero_()
        assert ranges(observer) == before


@pytest.mark.parametrize("spec", OBSERVERS, ids=lambda spec: spec.name)
def test_nothing_observed(spec: ObserverSpec) -> None:
    construct: Any = spec.impl.load()
    observer, other = (construct(spec.options(name=spec.name)) for _ in range(2))
    observer.observe(torch.empty(1, 0))
    observer.merge(other)
    with pytest.raises(DataError, match="observed no values"):
        observer.range()
