"""Bit patterns and rounding, against the formulas of the Posit Standard (2022) in exact fractions."""

import math
from bisect import bisect_right
from fractions import Fraction
from functools import cache
from itertools import pairwise

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from quark_posit.codec import Posit8, Posit16, PositCodec

CODECS: dict[int, PositCodec] = {8: Posit8(), 16: Posit16()}
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


def posit(pattern: int, bits: int) -> Fraction | None:
    """Return the value of a pattern, None for NaR: section 3, without a two's complement."""
    text = f"{pattern:0{bits}b}"
    if "1" not in text[1:]:
        return None if text[0] == "1" else Fraction(0)
    sign, rest = int(text[0]), text[1:]
    run = len(rest) - len(rest.lstrip(rest[0]))
    regime = run - 1 if rest[0] == "1" else -run
    tail = rest[run + 1 :]
    exponent = int(tail[:2].ljust(2, "0"), 2)
    fraction = Fraction(int(tail[2:] or "0", 2), 2 ** len(tail[2:]))
    return (1 - 3 * sign + fraction) * Fraction(2) ** ((1 - 2 * sign) * (4 * regime + exponent + sign))


@cache
def ordered(bits: int) -> tuple[list[Fraction], list[int]]:
    """Return all values, sorted, and their patterns."""
    pairs = [(value, code) for code in range(2**bits) if (value := posit(code, bits)) is not None]
    values, codes = zip(*sorted(pairs), strict=True)
    return list(values), list(codes)


def between(code: int, bits: int) -> Fraction:
    """Return the posit with one bit more that lies between the one of ``code`` and the next."""
    value = posit(2 * code + 1, bits + 1)
    assert value is not None
    return value


def rounded(x: Fraction, bits: int) -> int:
    """Return the pattern that ``x`` is rounded to: section 4."""
    values, codes = ordered(bits)
    largest, smallest = values[-1], values[len(values) // 2 + 1]
    if x != 0:
        size = min(max(abs(x), smallest), largest)
        x = size if x > 0 else -size
    at = bisect_right(values, x) - 1
    if values[at] == x:
        return codes[at]
    middle = between(codes[at], bits)
    lower = x < middle or (x == middle and codes[at] % 2 == 0)
    return codes[at] if lower else codes[at + 1]


def encoded(numbers: list[float], bits: int) -> list[int]:
    codes: list[int] = CODECS[bits].encode(torch.tensor(numbers, dtype=torch.float32)).tolist()
    return codes


def around(numbers: list[Fraction]) -> list[float]:
    """Return float32 numbers with the nearest ones on both sides."""
    exact = torch.tensor([float(number) for number in numbers], dtype=torch.float32)
    assert [Fraction(value) for value in exact.tolist()] == numbers
    infinity = torch.tensor(math.inf)
    return [*exact.tolist(), *exact.nextafter(infinity).tolist(), *exact.nextafter(-infinity).tolist()]


@pytest.mark.parametrize("bits", [8, 16])
def test_every_pattern_has_the_value_of_the_standard(bits: int) -> None:
    decoded = CODECS[bits].decode(torch.arange(2**bits, dtype=torch.int32))
    assert decoded.dtype == torch.float32
    got = [None if math.isnan(value) else Fraction(value) for value in decoded.tolist()]
    assert got == [posit(code, bits) for code in range(2**bits)]
    assert got[2 ** (bits - 1)] is None


def test_some_values_that_everybody_can_check() -> None:
    patterns = {0x40: 1.0, 0xC0: -1.0, 0x44: 1.5, 0x48: 2.0, 0x60: 16.0, 0x20: 0.0625, 0x7F: 2.0**24, 0x01: 2.0**-24}
    assert CODECS[8].decode(torch.tensor(list(patterns), dtype=torch.int32)).tolist() == list(patterns.values())
    assert encoded(list(patterns.values()), 8) == list(patterns)


@pytest.mark.parametrize("bits", [8, 16])
def test_every_value_keeps_its_pattern(bits: int) -> None:
    values, codes = ordered(bits)
    assert encoded([float(value) for value in values], bits) == codes


def test_posit8_rounds_as_the_standard_says_wherever_a_pattern_ends() -> None:
    values, codes = ordered(8)
    x = around([between(code, 8) for code in codes[:-1]]) + around(values)
    assert encoded(x, 8) == [rounded(Fraction(value), 8) for value in x]


def test_posit8_takes_the_nearest_value_wherever_the_fraction_is_what_rounds() -> None:
    # From 2^16 on bits of the exponent are cut off, and a tie of patterns is no longer one of values.
    values, codes = ordered(8)
    generator = torch.Generator().manual_seed(3)
    x = (torch.randn(100, generator=generator) * torch.logspace(-4, 4, 100)).tolist()
    x = [value for value in x if 2**-16 <= abs(value) <= 2**16]
    x += [float((a + b) / 2) for a, b in pairwise(values) if min(abs(a), abs(b)) >= 2**-16]
    x = [value for value in x if abs(value) <= 2**16]
    nearest = [
        min(zip(values, codes, strict=True), key=lambda pair: (abs(pair[0] - Fraction(value)), pair[1] % 2))[1]
        for value in x
    ]
    assert len(x) > 300
    assert encoded(x, 8) == nearest


@settings(deadline=None, database=None)
@given(st.lists(FLOATS, min_size=1, max_size=50))
@example([2.0**56, 2.0**54, 3.4e38, -3.4e38, 2.0**-57, -(2.0**-149), 0.0, -0.0])
def test_posit16_rounds_as_the_standard_says(x: list[float]) -> None:
    assert encoded(x, 16) == [rounded(Fraction(value), 16) for value in x]


@settings(deadline=None, database=None)
@given(st.integers(1, 2**15 - 2) | st.integers(2**15 + 1, 2**16 - 2))
def test_posit16_ties_go_to_the_even_pattern(code: int) -> None:
    tie = between(code, 16)
    (got, above, below) = encoded(around([tie]), 16)
    assert (got, below, above) == (code + code % 2, code, code + 1)


@pytest.mark.parametrize("bits", [8, 16])
def test_nothing_but_zero_becomes_zero_and_nothing_becomes_nar(bits: int) -> None:
    half = 2 ** (bits - 1)
    x = [0.0, -0.0, 2.0**-149, -(2.0**-149), 1e-30, 3e38, -3e38, math.inf, -math.inf]
    assert encoded(x, bits) == [0, 0, 1, 2 * half - 1, 1, half - 1, half + 1, half - 1, half + 1]


@pytest.mark.parametrize("x", [torch.tensor(1.5), torch.empty(0, 3), torch.randn(4, 6).t(), torch.randn(5, 8)[:, ::2]])
def test_any_shape_and_stride_will_do_and_stays_as_it_was(x: Tensor) -> None:
    before, codec = x.clone(), CODECS[16]
    codes = codec.encode(x)
    assert (codes.dtype, codes.shape) == (torch.int32, x.shape)
    assert codes.flatten().tolist() == [rounded(Fraction(value), 16) for value in x.flatten().tolist()]
    assert codec.decode(codes).flatten().tolist() == [float(posit(code, 16) or 0) for code in codes.flatten().tolist()]
    assert torch.equal(x, before)
