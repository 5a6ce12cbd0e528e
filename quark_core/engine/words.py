"""Words of 64 bits that hold codes in lanes of 8 or 16 bits, and push them together or apart, all lanes at once.

A step joins every two neighbouring fields, so that codes a, b, c, d go ``...d...c...b...a``, ``......dc......ba``,
``............dcba``. Bytes lie in words as on little-endian machines, the only ones that this is for.
"""

from collections.abc import Iterator

import torch
from torch import Tensor


class Words:
    """Buffers for groups of 8 codes of 1 to 15 bits, but not 8: a word a group below 8 bits, two words above."""

    def __init__(self, bits: int, groups: int, device: torch.device) -> None:
        """Make room for ``groups``."""
        self._bits = bits
        self._width = 8 if bits < 8 else 16
        self._words = torch.empty(groups, self._width // 8, dtype=torch.int64, device=device)
        self._moved = torch.empty_like(self._words)

    def pack(self, codes: Tensor, packed: Tensor) -> None:
        """Write the low bits of ``codes`` (``[groups, 8]``, any integer dtype) into ``packed``, ``[groups, bits]``."""
        words, moved = self._words[: len(codes)], self._moved[: len(codes)]
        self._lanes(words).copy_(codes)
        words.bitwise_and_(_repeated((1 << self._bits) - 1, self._width))
        for width, used, even in self._steps():
            torch.bitwise_right_shift(words, width - used, out=moved).bitwise_and_(even << used)
            words.bitwise_and_(even).bitwise_or_(moved)
        if self._width == 16:
            low, high = words.unbind(1)
            low.bitwise_or_(high << 4 * self._bits)
            high.bitwise_right_shift_(64 - 4 * self._bits)
        _copy_columns(words.view(torch.uint8), packed)

    def unpack(self, packed: Tensor, codes: Tensor, *, signed: bool) -> None:
        """Write the codes in ``packed`` (``[groups, bits]`` uint8) into ``codes``, ``[groups, 8]``, wide as lanes."""
        words, moved = self._words[: len(codes)], self._moved[: len(codes)]
        # Bytes beyond are left over from before; the masks below drop them.
        _copy_columns(packed, words.view(torch.uint8))
        if self._width == 16:
            low, high = words.unbind(1)
            high.bitwise_left_shift_(64 - 4 * self._bits)
            high.bitwise_or_((low >> 4 * self._bits) & ((1 << (64 - 4 * self._bits)) - 1))
        for width, used, even in reversed(list(self._steps())):
            torch.bitwise_left_shift(words, width - used, out=moved).bitwise_and_(even << width)
            words.bitwise_and_(even).bitwise_or_(moved)
        if signed:
            sign = 1 << (self._bits - 1)
            words.bitwise_xor_(_repeated(sign, self._width))
            torch.sub(self._lanes(words), sign, out=codes)
        else:
            codes.copy_(self._lanes(words))

    def _lanes(self, words: Tensor) -> Tensor:
        return words.view(torch.int8 if self._width == 8 else torch.int16)

    def _steps(self) -> Iterator[tuple[int, int, int]]:
        """Yield the width of fields, the bits used in each, and the mask of these in every other field."""
        width = self._width
        while width < 64:
            used = self._bits * width // self._width
            yield width, used, _repeated((1 << used) - 1, 2 * width)
            width *= 2


def _repeated(field: int, width: int) -> int:
    return sum(field << place for place in range(0, 64, width))


def _copy_columns(source: Tensor, target: Tensor) -> None:
    # One by one: copying rows of few bytes takes longer.
    for column in range(min(source.shape[1], target.shape[1])):
        target[:, column] = source[:, column]
