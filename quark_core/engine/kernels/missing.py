"""NaN, which some formats cannot hold."""

from torch import Tensor

from quark_core.engine.kernels.tracing import is_traced
from quark_core.errors import DataError


def has_nan(v: Tensor) -> bool:
    """Return whether ``v`` (floating point, any shape) holds NaN."""
    # NaN goes through a maximum, which takes a fraction of the time of isnan.
    return v.numel() > 0 and bool(v.amax().isnan())


def nan_mask(v: Tensor) -> Tensor | None:
    """Return where ``v`` (floating point, any shape) is NaN; None where it nowhere is, as far as that can be known."""
    return v.isnan() if is_traced() or has_nan(v) else None


def refuse_nan(v: Tensor, which: str) -> None:
    """Raise DataError when ``v`` (floating point, any shape) holds NaN."""
    if has_nan(v):
        raise DataError(
            f"the tensor holds NaN, for which {which} no code; remove the NaN values, "
            "or use quantize_dequantize, which keeps them"
        )
