"""compressed-tensors: ``fake_quantize`` with its ``QuantizationArgs``; MX with the scales it computes itself."""

from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.peers.case import Case
from benchmarks.timing import Contestant
from quark_core.config.type import QSchemeType

DISTRIBUTION = "compressed-tensors"
STRATEGIES = {QSchemeType.per_tensor: "tensor", QSchemeType.per_channel: "channel", QSchemeType.per_group: "group"}
FLOATS = {(4, 3): 8, (2, 3): 6, (2, 1): 4}


def contestant(case: Case) -> Contestant | None:
    """Return compressed-tensors' way, or None: plain casts, float8_e5m2, float6_e3m2 and codebooks."""
    scheme = case.settings.qscheme
    floats = FLOATS.get(case.float_bits or (0, 0))
    if scheme is None or not (case.integers or floats):
        return None
    options: dict[str, Any] = {"strategy": STRATEGIES[scheme], "group_size": case.settings.group_size}
    if case.integers:
        return _integers(case, options | {"num_bits": case.integers.bits, "type": "int"})
    options |= {"num_bits": floats, "type": "float"}
    return _block(case, options) if case.block_size else _floats(case, options)


def _parameter(case: Case, values: Tensor) -> Tensor:
    if case.settings.qscheme is QSchemeType.per_tensor:
        return values
    return values.reshape(case.x.shape[0], -1)


def _integers(case: Case, options: dict[str, Any]) -> Contestant:
    from compressed_tensors.quantization import QuantizationArgs
    from compressed_tensors.quantization.lifecycle.forward import fake_quantize

    fmt, params = case.integers, case.given()
    assert fmt is not None  # noqa: S101 - the caller looked
    symmetric = case.settings.symmetric and fmt.signed
    args = QuantizationArgs(**options, symmetric=symmetric)
    scale = _parameter(case, params.scale)
    # Its codes are always signed: those of an unsigned format are shifted by half the range.
    shift = 0 if fmt.signed else 1 << (fmt.bits - 1)
    zero_point = None if symmetric else _parameter(case, params.zero_point - shift)

    def work() -> Tensor:
        values: Tensor = fake_quantize(case.x, scale, zero_point, args)
        return values

    return work


def _floats(case: Case, options: dict[str, Any]) -> Contestant:
    from compressed_tensors.quantization import QuantizationArgs
    from compressed_tensors.quantization.lifecycle.forward import fake_quantize

    args, scale = QuantizationArgs(**options), _parameter(case, case.given().scale)

    def work() -> Tensor:
        values: Tensor = fake_quantize(case.x, scale, None, args)
        return values

    return work


def _block(case: Case, options: dict[str, Any]) -> Contestant:
    from compressed_tensors.quantization import QuantizationArgs
    from compressed_tensors.quantization.lifecycle.forward import fake_quantize
    from compressed_tensors.quantization.utils import compute_dynamic_scales_and_zp

    args = QuantizationArgs(**options, dynamic=True, scale_dtype=torch.uint8)
    module = nn.Module()

    def work() -> Tensor:
        scale, _ = compute_dynamic_scales_and_zp(case.x, args, module)
        values: Tensor = fake_quantize(case.x, scale, None, args)
        return values

    return work
