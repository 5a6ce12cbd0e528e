"""AMD Quark: the call behind its fake quantizers, which compiles itself where it can; its MX, which does not."""

import torch
from torch import Tensor

from benchmarks.peers.case import Case
from benchmarks.timing import Contestant

DISTRIBUTION = "amd-quark"
FLOATS = {(4, 3): "fp8_e4m3", (5, 2): "fp8_e5m2", (3, 2): "fp6_e3m2", (2, 3): "fp6_e2m3", (2, 1): "fp4"}
HALF_EVEN = 8
"""Its ``RoundType.half_even``."""


def contestant(case: Case) -> Contestant | None:
    """Return Quark's way, or None where it has no such format."""
    if case.block_size:
        return _block(case, FLOATS.get(case.float_bits or (0, 0)), case.block_size)
    name = FLOATS.get(case.float_bits or (0, 0), case.settings.dtype.name)
    return _scaled(case, name)


def _scaled(case: Case, name: str) -> Contestant | None:
    from quark.torch.quantization.config.type import Dtype
    from quark.torch.quantization.tensor_quantize import dispatch_scaled_fake_quantize
    from quark.torch.quantization.utils import calculate_qmin_qmax

    if name not in [dtype.value for dtype in Dtype]:
        return None
    settings, params = case.settings, case.params
    lo, hi = calculate_qmin_qmax(Dtype(name)) if params else (0, 0)
    scale = params.scale if params else torch.ones(1)
    zero_point = params.zero_point.int() if params else torch.zeros(1, dtype=torch.int32)
    scheme = settings.qscheme.value if settings.qscheme else None
    if settings.group_size:
        scale, zero_point = (v.reshape(case.x.shape[0], -1) for v in (scale, zero_point))

    def work() -> Tensor:
        with torch.no_grad():
            values: Tensor = dispatch_scaled_fake_quantize(
                name,
                case.x,
                scale,
                zero_point,
                settings.axis,
                settings.group_size,
                lo,
                hi,
                HALF_EVEN,
                scheme,
                "None",
            )
        return values

    return work


def _block(case: Case, element: str | None, size: int) -> Contestant | None:
    from quark.torch.kernel import non_scaled_fake_quantize

    if element is None:
        return None

    def work() -> Tensor:
        with torch.no_grad():
            values: Tensor = non_scaled_fake_quantize(case.x, "mx", element, -1, size, "floor")
        return values

    return work
