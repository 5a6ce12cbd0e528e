from collections.abc import Callable
from itertools import pairwise
from math import erfc, exp, pi, sqrt

import numpy as np
import pytest

from quark_aciq.optimum import Distribution, optimum

# Published with the method, to two digits: bits -> alpha / b.
LAPLACE = {2: 2.83, 3: 3.89, 4: 5.03, 5: 6.20, 6: 7.41, 7: 8.64, 8: 9.89}
# The same, to six digits: bits -> alpha / sigma.
GAUSS = {2: 1.710635, 3: 2.151593, 4: 2.559136, 5: 2.936201, 6: 3.286914, 7: 3.615114, 8: 3.924035}
DENSITIES: dict[Distribution, Callable[[np.ndarray], np.ndarray]] = {
    "laplace": lambda x: np.exp(-np.abs(x)) / 2,
    "gauss": lambda x: np.exp(-(x**2) / 2) / sqrt(2 * pi),
}
BITS = range(2, 9)


def integral(y: np.ndarray, x: np.ndarray) -> float:
    """Return the integral by Simpson's rule over an odd number of evenly spaced points."""
    h = (x[-1] - x[0]) / (len(x) - 1)
    return float(h / 3 * (y[0] + y[-1] + 4 * y[1:-1:2].sum() + 2 * y[2:-1:2].sum()))


def clipped(distribution: Distribution, alpha: float) -> float:
    """Return the squared error of what both bounds clip, integrated over the density."""
    x = np.linspace(alpha, alpha + 60, 60_001)
    return 2 * integral((x - alpha) ** 2 * DENSITIES[distribution](x), x)


def rounded(distribution: Distribution, alpha: float, bits: int) -> float:
    """Return the squared error of a true quantizer with 2^bits cells between the bounds, cell by cell."""
    edges = np.linspace(-alpha, alpha, 2**bits + 1)
    cells = [np.linspace(a, b, 65) for a, b in pairwise(edges)]
    density = DENSITIES[distribution]
    return sum(integral((x - (x[0] + x[-1]) / 2) ** 2 * density(x), x) for x in cells)


def least(error: Callable[[float], float], low: float, high: float) -> float:
    """Return where ``error``, which falls and then grows, is least."""
    for _ in range(60):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, b) if error(a) < error(b) else (a, high)
    return (low + high) / 2


@pytest.mark.parametrize(("bits", "expected"), LAPLACE.items())
def test_laplace_is_as_published(bits: int, expected: float) -> None:
    assert optimum("laplace", 2 ** (bits - 1)) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(("bits", "expected"), GAUSS.items())
def test_gauss_is_as_published(bits: int, expected: float) -> None:
    assert optimum("gauss", 2 ** (bits - 1)) == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("bits", range(1, 17))
def test_laplace_solves_the_equation_of_the_paper(bits: int) -> None:
    t = optimum("laplace", 2 ** (bits - 1))
    assert t * exp(t) == pytest.approx(3 * 4**bits, rel=1e-12)


@pytest.mark.parametrize("bits", range(1, 17))
def test_gauss_solves_the_equation_of_the_paper(bits: int) -> None:
    t = optimum("gauss", 2 ** (bits - 1))
    clips = 2 * t * erfc(t / sqrt(2)) - 4 * exp(-t * t / 2) / sqrt(2 * pi)
    rounds = 2 * t / (3 * 4**bits)
    assert clips + rounds == pytest.approx(0, abs=1e-10 * rounds)


@pytest.mark.parametrize("distribution", DENSITIES)
@pytest.mark.parametrize("bits", BITS)
def test_the_expected_error_is_least_there(distribution: Distribution, bits: int) -> None:
    found = least(lambda alpha: clipped(distribution, alpha) + alpha**2 / (3 * 4**bits), 0.5, 15)
    assert optimum(distribution, 2 ** (bits - 1)) == pytest.approx(found, rel=1e-4)


@pytest.mark.parametrize("distribution", DENSITIES)
@pytest.mark.parametrize("bits", BITS)
def test_a_true_quantizer_loses_hardly_more_than_at_its_best(distribution: Distribution, bits: int) -> None:
    def error(alpha: float) -> float:
        return clipped(distribution, alpha) + rounded(distribution, alpha, bits)

    best = error(least(error, 0.5, 15))
    # The formula takes errors of rounding as uniform in each cell, which wide cells are not.
    more = {2: 1.05, 3: 1.02}.get(bits, 1.005)
    assert best <= error(optimum(distribution, 2 ** (bits - 1))) <= best * more
