"""optimum-quanto: its quantized tensors of weights (and of activations, where there is one scale)."""

import torch
from torch import Tensor

from benchmarks.peers.case import Case
from benchmarks.timing import Contestant
from quark_core.config.type import QSchemeType

DISTRIBUTION = "optimum-quanto"
FLOATS = {(4, 3): "qfloat8_e4m3fn", (5, 2): "qfloat8_e5m2"}


def contestant(case: Case) -> Contestant | None:
    """Return quanto's way, or None: it has 8 bits symmetric, 4 and 2 bits with groups or channels, and float8."""
    if case.block_size:
        return None
    if name := FLOATS.get(case.float_bits or (0, 0)):
        return _bytes(case, name)
    if case.integers and case.integers.bits == 8 and case.integers.signed and case.settings.symmetric:
        return _bytes(case, "qint8")
    if case.integers and case.integers.bits in (2, 4) and case.settings.qscheme is not QSchemeType.per_tensor:
        return _bits(case)
    return None


def _bytes(case: Case, name: str) -> Contestant | None:
    from optimum.quanto import qtypes, quantize_activation, quantize_weight

    kind, scale = qtypes[name], case.given().scale
    if case.settings.qscheme is QSchemeType.per_group:
        return None

    def tensor() -> Tensor:
        values: Tensor = quantize_activation(case.x, kind, scale.reshape(())).dequantize()
        return values

    def channels() -> Tensor:
        values: Tensor = quantize_weight(case.x, kind, 0, scale.reshape(-1, 1), optimized=False).dequantize()
        return values

    return tensor if case.settings.qscheme is QSchemeType.per_tensor else channels


def _bits(case: Case) -> Contestant:
    from optimum.quanto import qtypes, quantize_weight

    fmt, params = case.integers, case.given()
    assert fmt is not None  # noqa: S101 - the caller looked
    # Its codes are always unsigned: those of a signed format are shifted by half the range.
    shift = (params.zero_point - fmt.qmin).to(torch.int8).reshape(-1, 1)
    kind, scale, group = qtypes[f"qint{fmt.bits}"], params.scale.reshape(-1, 1), case.settings.group_size

    def work() -> Tensor:
        values: Tensor = quantize_weight(case.x, kind, 0, scale, shift, group, optimized=False).dequantize()
        return values

    return work
