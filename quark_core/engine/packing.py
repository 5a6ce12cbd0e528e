"""Codes of 1 to 16 bits as one little-endian bit stream: code i occupies bits i*b to (i+1)*b - 1, lowest bit first.

Bit j of the stream is bit j % 8 of byte j // 8. The last byte is filled up with zeros.
"""

from collections.abc import Iterator, Sequence
from math import prod

import torch
from torch import Tensor

from quark_core.errors import UsageError

_CHUNK = 1 << 16
"""Groups of 8 codes that are worked on at once, so that temporary memory stays below some MiB."""


def pack(codes: Tensor, bits: int) -> Tensor:
    """Return the low ``bits`` bits of each code (any integer dtype and shape, row-major) as a uint8 stream, 1-D.

    Raises UsageError when ``bits`` is not 1 to 16 or ``codes`` are not integers.
    """
    _check_bits(bits)
    if codes.is_floating_point() or codes.is_complex() or codes.dtype == torch.bool:
        raise UsageError(f"pack takes integer codes, not {codes.dtype}; get them from quantize")
    flat = codes.reshape(-1)
    packed = torch.zeros(packed_size(flat.numel(), bits), dtype=torch.uint8, device=codes.device)
    for start in range(0, flat.numel(), _CHUNK * 8):
        part = _groups_of(flat[start : start + _CHUNK * 8], 8).int() & ((1 << bits) - 1)
        stream = torch.zeros(part.shape[0], bits, dtype=torch.int32, device=codes.device)
        for code, byte, shift in _overlaps(bits):
            stream[:, byte] |= _shifted(part[:, code], shift) & 0xFF
        target = packed[start // 8 * bits :][: stream.numel()]
        target.copy_(stream.reshape(-1)[: target.numel()])
    return packed


def unpack(packed: Tensor, bits: int, shape: int | Sequence[int], *, signed: bool = False) -> Tensor:
    """Return the codes of a stream (uint8, 1-D) that ``pack`` made, in ``shape`` (a count or a shape).

    The dtype is what ``quantize`` gives: int8 when ``signed``, else uint8; int16 above 8 bits, where unsigned codes of
    16 bits are bit patterns. Raises UsageError when ``bits`` is not 1 to 16 or the stream's length does not fit.
    """
    _check_bits(bits)
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    count = prod(shape)
    if packed.dtype != torch.uint8 or packed.dim() != 1 or packed.numel() != packed_size(count, bits):
        raise UsageError(
            f"{count} codes of {bits} bits are {packed_size(count, bits)} bytes of uint8 in one dimension, "
            f"not {tuple(packed.shape)} of {packed.dtype}; give the bits and the shape that were packed"
        )
    codes = torch.empty(count, dtype=code_dtype(bits, signed=signed), device=packed.device)
    for start in range(0, count, _CHUNK * 8):
        target = codes[start : start + _CHUNK * 8]
        stream = _groups_of(packed[start // 8 * bits :][: _CHUNK * bits], bits).int()
        part = torch.zeros(stream.shape[0], 8, dtype=torch.int32, device=packed.device)
        for code, byte, shift in _overlaps(bits):
            part[:, code] |= _shifted(stream[:, byte], -shift)
        target.copy_(_extended(part, bits, signed).reshape(-1)[: target.numel()])
    return codes.reshape(shape)


def packed_size(count: int, bits: int) -> int:
    """Return how many bytes ``count`` codes take."""
    return (count * bits + 7) // 8


def code_dtype(bits: int, *, signed: bool) -> torch.dtype:
    """Return the dtype that holds unpacked codes: int8 or uint8, and int16 (bit patterns) above 8 bits."""
    if bits > 8:
        return torch.int16
    return torch.int8 if signed else torch.uint8


def _overlaps(bits: int) -> Iterator[tuple[int, int, int]]:
    """Yield (code, byte, shift of the code within the byte) where 8 codes and their ``bits`` bytes share bits."""
    for code in range(8):
        first = code * bits
        for byte in range(first // 8, (first + bits - 1) // 8 + 1):
            yield code, byte, first - 8 * byte


def _shifted(x: Tensor, shift: int) -> Tensor:
    return x << shift if shift >= 0 else x >> -shift


def _extended(codes: Tensor, bits: int, signed: bool) -> Tensor:
    codes = codes & ((1 << bits) - 1)
    sign = 1 << (bits - 1)
    return (codes ^ sign) - sign if signed or bits == 16 else codes


def _groups_of(flat: Tensor, size: int) -> Tensor:
    missing = -flat.numel() % size
    return torch.cat([flat, flat.new_zeros(missing)]).view(-1, size) if missing else flat.view(-1, size)


def _check_bits(bits: int) -> None:
    if not 1 <= bits <= 16:
        raise UsageError(f"codes of {bits} bits cannot be packed; 1 to 16 are possible")
