"""The rounding's torch code, imported only when a config uses it."""

from torch import Tensor

from quark_acme import TruncateOptions


class Truncate:
    """Rounds toward zero."""

    def __init__(self, options: TruncateOptions) -> None:
        del options

    def __call__(self, x: Tensor) -> Tensor:
        """Round ``x`` (float32 or float64, any shape) in place and return it."""
        return x.trunc_()
