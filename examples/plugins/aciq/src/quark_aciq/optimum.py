"""Where to clip a distribution that is then rounded to evenly spaced values.

Source: Banner, Nahshan, Soudry, Post training 4-bit quantization of convolutional networks for rapid-deployment
(NeurIPS 2019), section 3.
"""

from functools import cache
from math import erfc, exp, pi, sqrt
from typing import Literal

Distribution = Literal["laplace", "gauss"]

_FARTHEST = 64.0
"""Beyond every solution: with 2^16 steps that of Laplace is 21.6."""


@cache
def optimum(distribution: Distribution, steps: int) -> float:
    """Return the clipping value of least expected squared error, in units of the distribution's width.

    The width is b of Laplace and sigma of Gauss; ``steps``, 1 to 65536, are those between 0 and the clipping value.

    What is clipped at t loses 2 E[max(X - t, 0)^2], what is rounded to steps of t / steps loses (t / steps)^2 / 12. The
    derivative of the sum is 0 where t = 24 steps^2 E[max(X - t, 0)]. With 2^M codes on both sides steps are 2^(M - 1),
    and for Laplace this is the paper's t = 3 * 4^M * exp(-t). Of values on one side of 0 both losses have the same
    weight, so the same holds.
    """
    excess = _laplace if distribution == "laplace" else _gauss
    low, high = 0.0, _FARTHEST
    while low < (middle := (low + high) / 2) < high:
        # The left side grows with t and the right side falls, so there is one solution.
        if middle < 24 * steps**2 * excess(middle):
            low = middle
        else:
            high = middle
    return high


def _laplace(t: float) -> float:
    """Return E[max(X - t, 0)] of the Laplace distribution with b = 1, for t >= 0."""
    return exp(-t) / 2


def _gauss(t: float) -> float:
    """Return E[max(X - t, 0)] of the normal distribution with sigma = 1: density(t) - t P(X > t)."""
    return exp(-t * t / 2) / sqrt(2 * pi) - t * erfc(t / sqrt(2)) / 2
