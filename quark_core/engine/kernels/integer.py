"""Integers: affine quantization with a zero point."""

import torch
from torch import Tensor

from quark_core.engine.kernels.missing import refuse_nan
from quark_core.engine.kernels.scratch import Scratch
from quark_core.plugin.formats import IntFormat
from quark_core.plugin.protocols import Rounding


class IntKernel:
    """q = clamp(R(v) + zero point, qmin, qmax); values are q - zero point. +-Inf saturates."""

    keeps_sign_of_zero = False
    cast_dtype = None

    def __init__(self, fmt: IntFormat, rounding: Rounding) -> None:
        self._fmt = fmt
        self._rounding = rounding

    def snap(self, v: Tensor, zero_point: Tensor | float, scratch: Scratch) -> None:
        """Round ``v`` in place to q - zero point; NaN stays NaN."""
        del scratch
        # The bounds are whole, so clamping first gives the same codes, and R never meets an infinity.
        if isinstance(zero_point, Tensor):
            # Several times faster than clamp_ with tensors.
            torch.maximum(v, self._fmt.qmin - zero_point, out=v)
            torch.minimum(v, self._fmt.qmax - zero_point, out=v)
        else:
            v.clamp_(self._fmt.qmin - zero_point, self._fmt.qmax - zero_point)
        self._rounding(v)

    def encode(self, v: Tensor, zero_point: Tensor) -> Tensor:
        """Return the codes q, int16; int32 where that cannot hold them; raise DataError for NaN."""
        refuse_nan(v, "integers have")
        self.snap(v, zero_point, Scratch())
        # From float32 to uint8 takes several times longer than by way of int16.
        return v.add_(zero_point).to(torch.int16 if self._fmt.qmax < 1 << 15 else torch.int32)

    def decode(self, codes: Tensor, zero_point: Tensor) -> Tensor:
        """Return q - zero point, float32."""
        if not self._fmt.signed:
            codes = codes.int() & self._fmt.qmax
        return codes.to(torch.float32, copy=True).sub_(zero_point)

    def bounds(self, zero_point: Tensor) -> tuple[Tensor, Tensor]:
        """Return the values of the outermost codes; it is the rounded value that must not lie beyond them."""
        return self._fmt.qmin - zero_point, self._fmt.qmax - zero_point
