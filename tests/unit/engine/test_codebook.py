import math
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import quark_core.functional as qf
from quark_core.errors import DataError
from quark_core.plugin.formats import CodebookFormat
from quark_core.plugin.settings import Settings

Make = Callable[..., Settings]
VALUES = (-1.0, -0.5, -0.25, 0.0, 0.125, 0.5, 2.0)
UNEVEN = tuple(math.sin(i / 300) for i in range(256))
ONE = qf.QParams(torch.ones(1), torch.zeros(1))


def nearest(v: float, values: tuple[float, ...], rounding: str) -> int:
    exact = min(max(Fraction(v), Fraction(values[0])), Fraction(values[-1]))
    below = max(i for i, value in enumerate(values) if Fraction(value) <= exact)
    if below == len(values) - 1 or rounding == "floor":
        return below
    start, end = Fraction(values[below]), Fraction(values[below + 1])
    share = (exact - start) / (end - start)
    if share == Fraction(1, 2):
        return below + below % 2 if rounding == "half_even" else below + 1
    return below + (share > Fraction(1, 2))


@pytest.mark.parametrize("rounding", ["half_even", "round", "floor"])
@given(xs=st.lists(st.floats(-2.5, 2.5, width=32), min_size=1))
def test_the_nearest_value(make: Make, rounding: str, xs: list[float]) -> None:
    for values in (VALUES, UNEVEN):
        settings = make(CodebookFormat(values), rounding)
        expected = [nearest(x, values, rounding) for x in xs]
        assert qf.quantize(torch.tensor(xs), settings, ONE).tolist() == expected
        snapped = qf.quantize_dequantize(torch.tensor(xs), settings, ONE)
        assert snapped.tolist() == torch.tensor([values[i] for i in expected]).tolist()


@pytest.mark.parametrize("rounding", ["half_even", "round", "floor"])
def test_ties(make: Make, rounding: str) -> None:
    ties = [(a + b) / 2 for a, b in pairwise(VALUES)]
    codes = qf.quantize(torch.tensor(ties), make(CodebookFormat(VALUES), rounding), ONE)
    assert codes.tolist() == [nearest(tie, VALUES, rounding) for tie in ties]


def test_scaled_with_specials(make: Make) -> None:
    settings = make(CodebookFormat(VALUES))
    x = torch.tensor([[math.nan, math.inf, -math.inf, 1.0]])
    y = qf.quantize_dequantize(x, settings, qf.QParams(torch.tensor([4.0]), torch.zeros(1)))
    assert y[0, 0].isnan()
    assert y[0, 1:].tolist() == [8.0, -4.0, 0.5]
    with pytest.raises(DataError, match="codebooks have"):
        qf.quantize(x, settings, ONE)
