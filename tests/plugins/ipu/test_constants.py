"""Numbers in a model's code, as 8-bit fixed-point numbers."""

import pytest

from quark_ipu.constants import Constant, constant


@pytest.mark.parametrize(
    ("value", "code", "position"),
    [(0.5, 1, 1), (-0.375, -3, 3), (100.0, 25, -2), (127.0, 127, 0), (1.0, 1, 0), (0.0, 0, 0)],
)
def test_exact_numbers(value: float, code: int, position: int) -> None:
    assert constant(value) == Constant(code, position)


@pytest.mark.parametrize("value", [0.1, 129.0, 255.5, float("inf"), float("-inf"), float("nan")])
def test_what_8_bits_do_not_hold(value: float) -> None:
    assert constant(value) is None


def test_trailing_zeros_bring_it_nearer() -> None:
    assert Constant(3, 1).near(4) == Constant(24, 4)
    assert Constant(3, 1).near(40) == Constant(96, 6)
    assert Constant(3, 1).near(-5) == Constant(3, 1)
    assert Constant(0, 0).near(9) == Constant(0, 9)
