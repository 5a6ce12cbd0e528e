"""The expectation over all draws, exactly: what the paper derives, in fractions."""

from fractions import Fraction
from math import floor

import pytest
import torch

from quark_fewbits.stochastic import Variant, round_with

VARIANTS: tuple[Variant, ...] = ("srff", "srf", "src")
INPUT_BITS = 10
"""Bits behind the binary point of the values that are rounded."""


def expectations(values: torch.Tensor, bits: int, variant: Variant) -> list[Fraction]:
    """Return the mean over all 2^bits draws of each value, ``[values]``."""
    draws = torch.arange(2**bits, dtype=values.dtype).expand(len(values), -1)
    results = round_with(values[:, None].repeat(1, 2**bits), draws, bits, variant)
    return [Fraction(int(total), 2**bits) for total in results.sum(1, dtype=torch.float64).tolist()]


def every_value(first: int) -> torch.Tensor:
    """Return the values from ``first`` to below the next integer that have ``INPUT_BITS`` bits behind the point."""
    values: torch.Tensor = torch.arange(first * 2**INPUT_BITS, (first + 1) * 2**INPUT_BITS) / 2**INPUT_BITS
    return values


def mean_bias(bits: int, variant: Variant, first: int) -> Fraction:
    values = every_value(first)
    results = expectations(values, bits, variant)
    return sum(r - Fraction(v) for r, v in zip(results, values.tolist(), strict=True)) / Fraction(len(values))


@pytest.mark.parametrize("first", [0, 1, 2, 117])
@pytest.mark.parametrize("bits", range(1, INPUT_BITS))
def test_biases_are_those_of_the_paper(bits: int, first: int) -> None:
    # Of inputs with ever more bits, they are -2^-(bits + 1), 0 and 0.
    more = Fraction(1, 2 ** (INPUT_BITS + 1))
    assert mean_bias(bits, "srff", first) == more - Fraction(1, 2 ** (bits + 1))
    assert mean_bias(bits, "srf", first) == more
    assert mean_bias(bits, "src", first) == 0


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("bits", [INPUT_BITS, INPUT_BITS + 2])
def test_with_enough_bits_every_value_is_its_expectation(bits: int, variant: Variant) -> None:
    values = every_value(3)
    assert expectations(values, bits, variant) == [Fraction(v) for v in values.tolist()]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("bits", [1, 3, 8])
def test_odds_are_the_distance_rounded_to_the_bits(bits: int, variant: Variant) -> None:
    values = every_value(5)
    steps = [(Fraction(v) - 5) * 2**bits for v in values.tolist()]
    rounded = {
        "srff": [floor(step) for step in steps],
        "srf": [floor(step + Fraction(1, 2)) for step in steps],
        # Python rounds fractions half to even.
        "src": [round(step) for step in steps],
    }[variant]
    assert expectations(values, bits, variant) == [5 + Fraction(step, 2**bits) for step in rounded]


@pytest.mark.parametrize("variant", VARIANTS)
def test_negative_values_mirror_positive_ones(variant: Variant) -> None:
    values = every_value(2)
    positive = expectations(values, 4, variant)
    assert expectations(-values, 4, variant) == [-result for result in positive]
    # So SRFF is not the floor of a sum, whose bias would be toward minus infinity.
    if variant == "srff":
        assert sum(positive) < sum(Fraction(v) for v in values.tolist())
