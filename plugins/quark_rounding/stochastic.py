"""Rounding up or down at random."""

import torch
from torch import Tensor

from quark_rounding import StochasticOptions


class Stochastic:
    """floor(x) + (u < x - floor(x)), with u uniform on [0, 1): unbiased; integers stay.

    Source: Gupta et al., Deep Learning with Limited Numerical Precision (2015), section 3.
    """

    def __init__(self, options: StochasticOptions) -> None:
        self._seed = options.seed
        self._generator: torch.Generator | None = None

    def __call__(self, x: Tensor) -> Tensor:
        """Round ``x`` in place and return it; the next call draws further numbers."""
        if self._generator is None:
            self._generator = torch.Generator(x.device).manual_seed(self._seed)
        u = torch.rand(x.shape, dtype=x.dtype, device=x.device, generator=self._generator)
        whole = x.floor()
        up = u < x.sub_(whole)
        return x.copy_(whole).add_(up)
