"""Rounding in place, on float32 or float64 tensors of any shape."""

from torch import Tensor

from quark_core.plugin import Options


class Round:
    """Half away from zero: trunc(x) + trunc(2 * (x - trunc(x))).

    ``floor(x + 0.5)`` would be wrong at 0.49999997 and at odd |x| above 2^23, where the sum itself rounds.
    """

    def __init__(self, options: Options) -> None:
        del options

    def __call__(self, x: Tensor) -> Tensor:
        """Round ``x`` in place and return it."""
        whole = x.trunc()
        return x.sub_(whole).mul_(2).trunc_().add_(whole)


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
