"""torchao: its affine and float8 primitives, and its MX conversions."""

from typing import Any

import torch
from torch import Tensor

from benchmarks.peers.case import Case
from benchmarks.timing import Contestant
from quark_core.config.type import QSchemeType

DISTRIBUTION = "torchao"
FLOAT8 = {(4, 3): torch.float8_e4m3fn, (5, 2): torch.float8_e5m2}


def contestant(case: Case) -> Contestant | None:
    """Return torchao's way, or None: plain casts, 16-bit integers, scaled floats below 8 bits and codebooks."""
    if case.block_size:
        return _block(case)
    if case.integers and case.integers.bits <= 8:
        return _integers(case)
    return _float8(case)


def _block_shape(case: Case) -> tuple[int, ...]:
    rows, columns = case.x.shape
    if case.settings.qscheme is QSchemeType.per_tensor:
        return rows, columns
    return 1, case.settings.group_size or columns


def _integers(case: Case) -> Contestant:
    from torchao.quantization.quant_primitives import dequantize_affine, quantize_affine

    fmt, params, shape = case.integers, case.given(), _block_shape(case)
    assert fmt is not None  # noqa: S101 - the caller looked
    dtype = torch.int8 if fmt.signed else torch.uint8
    scale, zero_point, bounds = params.scale, params.zero_point.int(), (fmt.qmin, fmt.qmax)

    def work() -> Tensor:
        codes = quantize_affine(case.x, shape, scale, zero_point, dtype, *bounds)
        values: Tensor = dequantize_affine(codes, shape, scale, zero_point, dtype, *bounds)
        return values

    return work


def _float8(case: Case) -> Contestant | None:
    from torchao.quantization.quant_primitives import _dequantize_affine_float8, _quantize_affine_float8

    dtype = FLOAT8.get(case.float_bits or (0, 0))
    if dtype is None or case.settings.group_size:
        return None
    scale = case.given().scale.reshape(-1, 1)

    def work() -> Tensor:
        values: Tensor = _dequantize_affine_float8(_quantize_affine_float8(case.x, scale, dtype), scale)
        return values

    return work


def _block(case: Case) -> Contestant | None:
    from torchao.prototype.mx_formats.constants import DTYPE_FP6_E2M3, DTYPE_FP6_E3M2
    from torchao.prototype.mx_formats.mx_tensor import to_dtype, to_mx

    elements: dict[tuple[int, int], Any] = {
        **FLOAT8,
        (3, 2): DTYPE_FP6_E3M2,
        (2, 3): DTYPE_FP6_E2M3,
        (2, 1): torch.float4_e2m1fn_x2,
    }
    element, size = elements.get(case.float_bits or (0, 0)), case.block_size
    if element is None:
        return None

    def work() -> Tensor:
        scale, codes = to_mx(case.x, element, size)
        values: Tensor = to_dtype(codes, scale, element, size, torch.float32)
        return values

    return work
