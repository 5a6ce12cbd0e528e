"""The rounding's torch code, imported only when a config uses it.

Source: Fitzgibbon, Felix, On Stochastic Rounding with Few Random Bits (ARITH 2025, arXiv 2504.20634).
"""

from typing import Literal

import torch
from torch import Tensor

from quark_fewbits import StochasticOptions

Variant = Literal["srff", "srf", "src"]


class Stochastic:
    """Rounds away from 0 where the distance to the neighbour nearer to 0 and the random bits carry into the integer.

    The magnitude is what is rounded, as floating-point hardware has sign and magnitude. The draws of a tensor depend on
    the seed and on its shape alone, on each kind of device.
    """

    def __init__(self, options: StochasticOptions) -> None:
        self._bits = options.bits
        self._variant: Variant = options.variant
        self._seed = options.seed
        self._generator: torch.Generator | None = None

    def __call__(self, x: Tensor) -> Tensor:
        """Round ``x`` (float32 or float64, any shape) in place and return it; the next call draws further bits."""
        if self._generator is None:
            self._generator = torch.Generator(x.device).manual_seed(self._seed)
        draws = torch.randint(1 << self._bits, x.shape, dtype=x.dtype, device=x.device, generator=self._generator)
        return round_with(x, draws, self._bits, self._variant)


def round_with(x: Tensor, draws: Tensor, bits: int, variant: Variant) -> Tensor:
    """Round ``x`` (float32 or float64, any shape) in place with the random bits given and return it; NaN stays NaN.

    ``draws`` are whole numbers from 0 to 2^bits - 1 in the dtype and shape of ``x``; ``bits`` are 1 to 23, so that all
    sums are exact in float32. The paper's SRFF, SRF and SRC round the magnitude up where
    floor(2^bits d), floor(2^bits d + 1/2) or half_even(2^bits d), with d its distance to the integer below, and the
    draw together reach 2^bits.
    """
    carry = float(1 << bits)
    size = x.abs()
    whole = size.floor()
    distance = _reduced(size.sub_(whole).mul_(carry), variant)
    up = distance.add_(draws) >= carry
    return x.copy_(torch.copysign(whole.add_(up), x))


def _reduced(distance: Tensor, variant: Variant) -> Tensor:
    """Return the distance in whole steps of 2^-bits; the tensor given is lost."""
    if variant == "src":
        return distance.round_()
    below = distance.floor()
    if variant == "srf":
        # Adding 1/2 first would round: the float32 below 1/2 would count as a tie.
        below.add_(distance.sub_(below) >= 0.5)
    return below
