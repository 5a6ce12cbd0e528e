"""Formats with torch code of their own."""

from typing import Any

import torch
from torch import Tensor

from quark_core.engine.kernels.missing import nan_mask, refuse_nan
from quark_core.engine.kernels.scratch import Scratch
from quark_core.engine.kernels.tracing import is_traced
from quark_core.errors import ModelError
from quark_core.plugin.formats import CodecFormat
from quark_core.plugin.protocols import Codec


class CodecKernel:
    """decode(encode(v)) with v limited to what has a code; the codec rounds in its own way."""

    keeps_sign_of_zero = True
    cast_dtype = None

    def __init__(self, fmt: CodecFormat) -> None:
        self._fmt = fmt
        construct: Any = fmt.codec.load()
        self._codec: Codec = construct()

    def snap(self, v: Tensor, zero_point: Tensor | float, scratch: Scratch) -> None:
        """Round ``v`` in place to values that codes stand for; NaN stays NaN."""
        del zero_point, scratch
        nans = nan_mask(v)
        if nans is not None:
            v.masked_fill_(nans, 0.0)
        v.copy_(self._codec.decode(self._codes(v)))
        if nans is not None:
            v.masked_fill_(nans, torch.nan)

    def encode(self, v: Tensor, zero_point: Tensor) -> Tensor:
        """Return codes, int32; raise DataError for NaN where it has no code."""
        del zero_point
        if self._fmt.nan_code is None:
            refuse_nan(v, "this format has")
            return self._checked(v)
        nans = nan_mask(v)
        if nans is None:
            return self._checked(v)
        return self._checked(v.masked_fill_(nans, 0.0)).masked_fill(nans, self._fmt.nan_code)

    def decode(self, codes: Tensor, zero_point: Tensor) -> Tensor:
        """Return the scaled value of each code, float32."""
        del zero_point
        codes = codes.int() & ((1 << self._fmt.bits) - 1)
        values = self._codec.decode(codes).float()
        return values if self._fmt.nan_code is None else values.masked_fill(codes == self._fmt.nan_code, torch.nan)

    def bounds(self, zero_point: Tensor) -> tuple[Tensor, Tensor]:
        """Return the largest magnitude that has a code, on both sides of 0."""
        high = torch.full_like(zero_point, self._fmt.limit)
        return -high, high

    def _checked(self, v: Tensor) -> Tensor:
        codes = self._codes(v)
        if codes.numel() and not is_traced():
            low, high = (int(end) for end in codes.aminmax())
            if low < 0 or high >> self._fmt.bits:
                raise ModelError(
                    f"{self._fmt.codec.path}: encode gave code {low if low < 0 else high}, and {self._fmt.bits} bits "
                    f"have 0 to {(1 << self._fmt.bits) - 1}; this is a fault of the codec"
                )
        return codes

    def _codes(self, v: Tensor) -> Tensor:
        return self._codec.encode(v.clamp_(-self._fmt.limit, self._fmt.limit)).int()
