"""Rounding in place, on float32 or float64 tensors of any shape."""

import torch
from torch import Tensor

from quark_core.plugin import Options

_BELOW_HALF = {
    dtype: torch.tensor(0.5, dtype=dtype).nextafter(torch.zeros((), dtype=dtype))
    for dtype in (torch.float32, torch.float64)
}


class Round:
    """Half away from zero: trunc(x + h) with the sign of x in h, the number just below one half.

    One half itself would be wrong at 0.49999997 and at odd |x| above 2^23, where the sum rounds up. With h it rounds
    up to the next integer exactly where the fraction is one half or more.
    """

    def __init__(self, options: Options) -> None:
        del options

    def __call__(self, x: Tensor) -> Tensor:
        """Round ``x`` in place and return it."""
        return x.add_(torch.copysign(_BELOW_HALF[x.dtype], x)).trunc_()


class Floor:
    """Toward minus infinity."""

    def __init__(self, options: Options) -> None:
        del options

    def __call__(self, x: Tensor) -> Tensor:
        """Round ``x`` in place and return it."""
        return x.floor_()


class HalfEven:
    """Nearest, ties to even."""

    def __init__(self, options: Options) -> None:
        del options

    def __call__(self, x: Tensor) -> Tensor:
        """Round ``x`` in place and return it."""
        return x.round_()
