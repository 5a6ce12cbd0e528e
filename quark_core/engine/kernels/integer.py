"""Integers: affine quantization with a zero point."""

import torch
from torch import Tensor

from quark_core.engine.kernels.missing import refuse_nan
from quark_core.plugin.formats import IntFormat
from quark_core.plugin.protocols import Rounding


class IntKernel:
    """q = clamp(R(v) + zero point, qmin, qmax); values are q - zero point. +-Inf saturates."""

    def __init__(self, fmt: IntFormat, rounding: Rounding) -> None:
        self._fmt = fmt
        self._rounding = rounding

    def snap(self, v: Tensor, zero_point: Tensor) -> None:
        """Round ``v`` in place to q - zero point; NaN stays NaN."""
        # The bounds are whole, so clamping first gives the same codes, and R never meets an infinity.
        torch.maximum(v, self._fmt.qmin - zero_point, out=v)
        torch.minimum(v, self._fmt.qmax - zero_point, out=v)
        self._rounding(v)
        # Integers have no -0; adding 0 makes it +0, as decoding a code would give.
        v.add_(0.0)

    def encode(self, v: Tensor, zero_point: Tensor) -> Tensor:
        """Return the codes q, int32; raise DataError for NaN."""
        refuse_nan(v, "integers have")
        self.snap(v, zero_point)
        return v.add_(zero_point).int()

    def decode(self, codes: Tensor, zero_point: Tensor) -> Tensor:
        """Return q - zero point, float32."""
        codes = codes.int()
        if not self._fmt.signed:
            codes = codes & self._fmt.qmax
        return codes.float().sub_(zero_point)

    def bounds(self, zero_point: Tensor) -> tuple[Tensor, Tensor]:
        """Return half a step beyond the outermost codes."""
        return self._fmt.qmin - 0.5 - zero_point, self._fmt.qmax + 0.5 - zero_point
