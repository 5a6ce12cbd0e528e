"""torch's own fake quantization, and its casts to float8, bfloat16 and float16."""

import torch
from torch import Tensor

from benchmarks.peers.case import Case
from benchmarks.timing import Contestant
from quark_core.config.type import QSchemeType

DISTRIBUTION = "torch"
FLOAT8 = {(4, 3): torch.float8_e4m3fn, (5, 2): torch.float8_e5m2}
CASTS = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def contestant(case: Case) -> Contestant | None:
    """Return torch's way, or None: torch knows no MX, no float below 8 bits and no codebook."""
    if case.settings.dtype.name in CASTS:
        dtype = CASTS[case.settings.dtype.name]
        return lambda: case.x.to(dtype).to(torch.float32)
    if case.integers:
        return _integers(case)
    return _float8(case)


def _rows(case: Case) -> Tensor:
    return case.x.view(-1, case.settings.group_size) if case.settings.group_size else case.x


def _integers(case: Case) -> Contestant:
    fmt, params, rows = case.integers, case.given(), _rows(case)
    assert fmt is not None  # noqa: S101 - the caller looked
    zero_point, lo, hi = params.zero_point.int(), fmt.qmin, fmt.qmax
    if case.settings.qscheme is QSchemeType.per_tensor:
        return lambda: torch.fake_quantize_per_tensor_affine(rows, params.scale, zero_point, lo, hi)
    return lambda: torch.fake_quantize_per_channel_affine(rows, params.scale, zero_point, 0, lo, hi).view_as(case.x)


def _float8(case: Case) -> Contestant | None:
    dtype = FLOAT8.get(case.float_bits or (0, 0))
    if dtype is None or case.block_size:
        return None
    rows, scale, limit = _rows(case), case.given().scale.reshape(-1, 1), torch.finfo(dtype).max
    return lambda: rows.div(scale).clamp_(-limit, limit).to(dtype).to(torch.float32).mul_(scale).view_as(case.x)
