"""Shifts that round, beside exact fractions."""

from fractions import Fraction
from math import floor

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from quark_ipu.arithmetic.rounding import requantize

METHODS = ("round", "floor", "half_even")
CODES = {"int8": (-128, 127), "uint8": (0, 255)}
EDGES = [0, 1, -1, 2**31 - 1, -(2**31) + 1, 2**30, -(2**30), 2**24 + 1, 96, -96, 160, -160]


def by_hand(x: int, shift: int, method: str) -> int:
    """Return the rounded quotient, computed in fractions."""
    exact = Fraction(x) / Fraction(2) ** shift
    if method == "floor":
        return floor(exact)
    if method == "half_even":
        return round(exact)
    return floor(abs(exact) + Fraction(1, 2)) * (1 if exact > 0 else -1)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(st.integers(-(2**31) + 1, 2**31 - 1), st.integers(-2000, 2000)), min_size=1, max_size=20),
    st.integers(-40, 40),
    st.sampled_from(METHODS),
    st.sampled_from(sorted(CODES)),
)
def test_it_is_the_rounded_quotient(values: list[int], shift: int, method: str, dtype: str) -> None:
    low, high = CODES[dtype]
    x = torch.tensor([*values, *EDGES], dtype=torch.int32)
    found = requantize(x, shift, method, low, high)
    expected = [min(max(by_hand(value, shift, method), low), high) for value in x.tolist()]
    assert found.dtype == torch.int32
    assert found.tolist() == expected


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shift", [1, 2, 5])
def test_every_small_number_and_tie(method: str, shift: int) -> None:
    x = torch.arange(-130, 131, dtype=torch.int32)
    expected = [min(max(by_hand(value, shift, method), -128), 127) for value in x.tolist()]
    assert requantize(x, shift, method, -128, 127).tolist() == expected
