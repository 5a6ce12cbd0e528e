"""The torch code of posits, imported only when a config uses one."""

import torch
from torch import Tensor

from quark_posit.staircase import Staircase


class PositCodec:
    """Bit patterns of posits with 2 exponent bits, as the Posit Standard (2022) has them."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._stairs = Staircase.of(bits)
        self._moved: dict[torch.device, Staircase] = {}

    def encode(self, x: Tensor) -> Tensor:
        """Map ``x`` (float32, any shape, no NaN) to bit patterns, int32, below ``2^bits``.

        Posit Standard (2022), section 4: to the nearest pattern, ties to the even one. Only 0 becomes 0; what lies
        beyond the largest or below the smallest posit becomes that.
        """
        stairs = self._on(x.device)
        x = x.clamp(-stairs.largest, stairs.largest)
        # Sign and exponent; they say on which line a value is.
        line = ((x.view(torch.int32) >> 23) & 0x1FF).reshape(-1)
        # float64 holds the products and sums exactly, so nothing is rounded twice.
        exact = stairs.slopes.index_select(0, line).view(x.shape).mul_(x)
        exact += stairs.offsets.index_select(0, line).view(x.shape)
        code = exact.round_().int().bitwise_and_((1 << self._bits) - 1)
        return code.masked_fill_(x == 0, 0)

    def decode(self, codes: Tensor) -> Tensor:
        """Map bit patterns (int32, any shape) to values, float32; NaR, the sign bit alone, becomes NaN."""
        return self._on(codes.device).values.index_select(0, codes.reshape(-1)).view(codes.shape)

    def _on(self, device: torch.device) -> Staircase:
        if device not in self._moved:
            self._moved[device] = self._stairs.to(device)
        return self._moved[device]


class Posit8(PositCodec):
    """Posits of 8 bits."""

    def __init__(self) -> None:
        super().__init__(8)


class Posit16(PositCodec):
    """Posits of 16 bits."""

    def __init__(self) -> None:
        super().__init__(16)
