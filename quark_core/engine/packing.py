"""Codes of 1 to 16 bits as one little-endian bit stream: code i occupies bits i*b to (i+1)*b - 1, lowest bit first.

Bit j of the stream is bit j % 8 of byte j // 8. The last byte is filled up with zeros.
"""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

from quark_core.engine.words import Words
from quark_core.errors import UsageError

_CHUNK = 1 << 17
"""Groups of 8 codes that are worked on at once, so that their words stay in a core's cache."""


def pack(codes: Tensor, bits: int) -> Tensor:
    """Return the low ``bits`` bits of each code (any integer dtype and shape, row-major) as a uint8 stream, 1-D.

    Raises UsageError when ``bits`` is not 1 to 16 or ``codes`` are not integers.
    """
    _check_bits(bits)
    if codes.is_floating_point() or codes.is_complex() or codes.dtype == torch.bool:
        raise UsageError(f"pack takes integer codes, not {codes.dtype}; get them from quantize")
    flat = codes.reshape(-1)
    if bits % 8 == 0:
        return flat.to(code_dtype(bits, signed=True), copy=True).view(torch.uint8)
    packed = torch.empty(_groups(flat.numel()) * bits, dtype=torch.uint8, device=codes.device)
    words = Words(bits, min(_CHUNK, _groups(flat.numel())), codes.device)
    for start in range(0, _groups(flat.numel()), _CHUNK):
        part = _filled(flat[start * 8 :][: _CHUNK * 8], 8)
        words.pack(part, packed.view(-1, bits)[start:][: len(part)])
    return _first(packed, packed_size(flat.numel(), bits))


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
    dtype = code_dtype(bits, signed=signed)
    if bits % 8 == 0:
        return packed.clone(memory_format=torch.contiguous_format).view(dtype).reshape(shape)
    codes = torch.empty(_groups(count), 8, dtype=dtype, device=packed.device)
    words = Words(bits, min(_CHUNK, len(codes)), packed.device)
    for start in range(0, len(codes), _CHUNK):
        part = _filled(packed[start * bits :][: _CHUNK * bits], bits)
        words.unpack(part, codes[start:][: len(part)], signed=signed)
    return _first(codes.view(-1), count).reshape(shape)


def packed_size(count: int, bits: int) -> int:
    """Return how many bytes ``count`` codes take."""
    return (count * bits + 7) // 8


def code_dtype(bits: int, *, signed: bool) -> torch.dtype:
    """Return the dtype that holds unpacked codes: int8 or uint8, and int16 (bit patterns) above 8 bits."""
    if bits > 8:
        return torch.int16
    return torch.int8 if signed else torch.uint8


def _groups(count: int) -> int:
    return (count + 7) // 8


def _filled(flat: Tensor, size: int) -> Tensor:
    """Return ``flat`` in rows of ``size``, the last one filled up with zeros."""
    missing = -flat.numel() % size
    return torch.cat([flat, flat.new_zeros(missing)]).view(-1, size) if missing else flat.view(-1, size)


def _first(flat: Tensor, count: int) -> Tensor:
    # Not a view: what is stored must not hold more than it shows.
    return flat if flat.numel() == count else flat[:count].clone()


def _check_bits(bits: int) -> None:
    if not 1 <= bits <= 16:
        raise UsageError(f"codes of {bits} bits cannot be packed; 1 to 16 are possible")
