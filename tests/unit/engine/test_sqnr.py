"""Signal to quantization noise, and what it is where the formula has no answer."""

import math

import pytest
import torch

from quark_core.engine.sqnr import Sqnr


def decibels(x: list[float], y: list[float], dtype: torch.dtype = torch.float64) -> float | None:
    sqnr = Sqnr()
    sqnr.add(torch.tensor(x, dtype=dtype), torch.tensor(y, dtype=dtype))
    return sqnr.db


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        ([10.0, 0.0], [9.0, 0.0], 20.0),
        ([1.0, 1.0], [1.0, 1.0], math.inf),
        ([0.0], [0.0], math.inf),
        ([0.0], [1.0], -math.inf),
        ([3.0, 4.0], [0.0, 0.0], 0.0),
        ([], [], None),
    ],
)
def test_values(x: list[float], y: list[float], expected: float | None) -> None:
    assert decibels(x, y) == expected


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_has_no_ratio(bad: float) -> None:
    for x, y in (([1.0, bad], [1.0, 1.0]), ([1.0, 1.0], [1.0, bad]), ([1.0, bad], [1.0, bad])):
        db = decibels(x, y)
        assert db is not None
        assert math.isnan(db)


def test_extremes_do_not_overflow() -> None:
    db = decibels([1e-160, 1.0], [1e-160, 1.0 + 1e-12])
    assert db == pytest.approx(240, abs=0.1)
    assert decibels([1e-161], [1e150]) == pytest.approx(-6220, abs=30)


def test_pieces_add_up() -> None:
    torch.manual_seed(1)
    x = torch.randn(3, 200_000)
    y = x + torch.randn_like(x) / 100
    whole, parts = Sqnr(), Sqnr()
    whole.add(x, y)
    for a, b in zip(x, y, strict=True):
        parts.add(a, b)
    assert whole.db == pytest.approx(parts.db, abs=1e-9)
    assert whole.db == pytest.approx(40, abs=0.1)
    assert whole.values == 600_000


def test_half_precision_is_summed_exactly() -> None:
    assert decibels([300.0] * 4, [301.0] * 4, torch.float16) == pytest.approx(20 * math.log10(300))
