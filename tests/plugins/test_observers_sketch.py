"""What every observer that searches on the histogram promises."""

import math
from itertools import permutations
from typing import Any

import pytest
import torch
from torch import Tensor

from quark_core.plugin import IntFormat
from quark_core.testing.state import values_held
from quark_observers import EntropyOptions, MseOptions, bit_histogram
from quark_observers.entropy import Entropy
from quark_observers.mse import Mse
from tests.plugins.sketch_settings import settings

MAKE: dict[str, Any] = {
    "mse": lambda: Mse(MseOptions(candidates=20, p=2.0)),
    "entropy": lambda: Entropy(EntropyOptions(candidates=20, bins=64)),
}


@pytest.fixture(params=["whole", "windows"])
def storage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "windows":
        monkeypatch.setattr(bit_histogram, "_BINS", 1 << 12)
    return str(request.param)


def outcome(observer: Any) -> list[list[float]]:
    return [bound.tolist() for bound in observer.range()]


def data(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(7))


@pytest.mark.usefixtures("storage")
@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("symmetric", [True, False])
def test_neither_batches_nor_order_matter(name: str, symmetric: bool) -> None:
    def new() -> Any:
        made = MAKE[name]()
        made.for_settings(settings(IntFormat(4, signed=symmetric), symmetric=symmetric))
        return made

    # Growing magnitudes, so that the windows move.
    values = data(3, 400) * torch.logspace(-12, 6, 400)
    values[:, ::7] = 0.0
    whole = new()
    whole.observe(values)
    for order in list(permutations(range(4)))[::5]:
        parts = [new() for _ in order]
        for at, part in zip(order, parts, strict=True):
            for left in range(at * 100, at * 100 + 100, 30 + at):
                part.observe(values[:, left : min(left + 30 + at, at * 100 + 100)])
        first, second, third, fourth = parts
        first.merge(second)
        third.merge(fourth)
        first.merge(third)
        assert outcome(first) == outcome(whole)


@pytest.mark.usefixtures("storage")
@pytest.mark.parametrize("name", MAKE)
def test_a_block_has_the_range_that_it_has_alone(name: str) -> None:
    values = data(4, 3000) * torch.tensor([1e-8, 1.0, 0.0, 1e9])[:, None]
    together = MAKE[name]()
    together.observe(values)
    first = MAKE[name]()
    first.observe(values[:2])
    assert [side[:2] for side in outcome(together)] == outcome(first)
    assert [side[2] for side in outcome(together)] == [0.0, 0.0]


@pytest.mark.parametrize("name", MAKE)
def test_memory_stays(name: str) -> None:
    observer = MAKE[name]()
    observer.observe(data(2, 100))
    early = values_held(observer)
    for _ in range(20):
        observer.observe(data(2, 20_000))
    assert values_held(observer) == early


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_spoils_its_own_block_only(name: str, bad: float) -> None:
    values = data(2, 700)
    good = MAKE[name]()
    good.observe(values[1:])
    values[0, 3] = bad
    both = MAKE[name]()
    both.observe(values)
    lo, hi = both.range()
    assert not (lo[0].isfinite() and hi[0].isfinite())
    assert [[side[1]] for side in (lo.tolist(), hi.tolist())] == outcome(good)


@pytest.mark.parametrize("name", MAKE)
def test_a_range_of_one_sign_stays_on_its_side(name: str) -> None:
    for values in (data(1, 5000).abs(), -data(1, 5000).abs()):
        observer = MAKE[name]()
        observer.observe(values)
        (lo,), (hi,) = outcome(observer)
        assert lo <= hi
        assert (lo >= 0) == bool(values.min() >= 0)
