"""The entropy observer against plain loops over a numpy histogram of the values."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from quark_core.plugin import IntFormat, Settings
from quark_observers import EntropyOptions, bit_histogram
from quark_observers.entropy import Entropy
from tests.plugins.sketch_settings import settings

Array = NDArray[Any]
BINS, CANDIDATES = 256, 40


def observed(blocks: Tensor, told: Settings | None = None) -> tuple[Tensor, Tensor]:
    observer = Entropy(EntropyOptions(bins=BINS, candidates=CANDIDATES))
    if told is not None:
        observer.for_settings(told)
    observer.observe(blocks)
    return observer.range()


def kept_bins() -> list[int]:
    return [int(np.ceil(BINS * (1 / 16 + 15 / 16 * c / CANDIDATES) - 1e-9)) for c in range(1, CANDIDATES + 1)]


def divergence(x: Array, kept: int, bits: int, symmetric: bool) -> float:
    """Return the divergence when ``kept`` bins of each side remain."""
    left, right = max(-x.min(), 0.0), max(x.max(), 0.0)
    if symmetric:
        left = right = max(left, right)
    edges = np.concatenate([-left * np.arange(BINS, 0, -1) / BINS, right * np.arange(BINS + 1) / BINS])
    counts, _ = np.histogram(x[x != 0], edges)
    share = kept / BINS
    if symmetric:
        scale, zero, qmin, qmax = right * share / (2 ** (bits - 1) - 1), 0.0, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    else:
        scale, qmin, qmax = (left + right) * share / (2**bits - 1), 0, 2**bits - 1
        zero = np.rint(left * share / scale)
    p: list[tuple[float, float]] = []
    members: dict[float, int] = {}
    mass: dict[float, float] = {}
    for at in range(BINS - kept, BINS + kept):
        count = float(counts[at])
        level = float(np.clip(np.rint((edges[at] + edges[at + 1]) / 2 / scale) + zero, qmin, qmax))
        mass[level] = mass.get(level, 0.0) + count
        count += counts[: BINS - kept].sum() if at == BINS - kept else 0
        count += counts[BINS + kept :].sum() if at == BINS + kept - 1 else 0
        members[level] = members.get(level, 0) + (count > 0)
        p.append((count, level))
    q = [mass[level] / members[level] if count else 0.0 for count, level in p]
    total, reached = sum(count for count, _ in p), sum(q)
    pairs = [(count / total, value / reached) for (count, _), value in zip(p, q, strict=True) if count]
    return float(sum(a * np.log(a / max(b, 1e-9)) for a, b in pairs))


@pytest.fixture(params=["whole", "windows"])
def storage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "windows":
        # As many bins for each block as 4096 blocks have.
        monkeypatch.setattr(bit_histogram, "_BINS", 2 << 10)
    return str(request.param)


@pytest.mark.usefixtures("storage")
@pytest.mark.parametrize("kind", ["standard_normal", "laplace", "standard_exponential"])
@pytest.mark.parametrize(("bits", "symmetric"), [(4, True), (5, True), (4, False), (6, False)])
def test_as_good_as_plain_loops(kind: str, bits: int, symmetric: bool) -> None:
    drawn = getattr(np.random.default_rng(3), kind)(size=(2, 50_000)).astype(np.float32)
    told = settings(IntFormat(bits, signed=symmetric), symmetric=symmetric)
    _, hi = observed(torch.from_numpy(drawn), told)
    for row, high in zip(drawn.astype(np.float64), hi.tolist(), strict=True):
        losses = {kept: divergence(row, kept, bits, symmetric) for kept in kept_bins()}
        chosen = round(high / row.max() * BINS)
        assert chosen in losses
        # Inside its bins the histogram takes values to lie evenly, which fills gaps in tails; losses reach 0.1 to 2.
        assert losses[chosen] <= min(losses.values()) * 1.05 + 2.5e-3


def test_int8_symmetric_is_assumed() -> None:
    blocks = torch.randn(2, 20_000, generator=torch.Generator().manual_seed(1))
    assert torch.equal(observed(blocks)[0], observed(blocks, settings(IntFormat(8)))[0])


def test_far_outliers_are_clipped_and_zeros_do_not_count() -> None:
    blocks = torch.randn(1, 50_000, generator=torch.Generator().manual_seed(2))
    blocks[0, 5] = 40.0
    lo, hi = observed(blocks)
    assert hi.item() < 20
    with_zeros = torch.cat([blocks, torch.zeros(1, 70_000)], 1)
    assert [bound.tolist() for bound in observed(with_zeros)] == [lo.tolist(), hi.tolist()]


@pytest.mark.parametrize("value", [0.0, 2.5, -0.1, 1e-20, 1e30])
def test_a_constant_is_its_own_range(value: float) -> None:
    lo, hi = observed(torch.full((2, 40), value))
    assert lo.tolist() == hi.tolist() == torch.full((2,), value).tolist()
