"""NaN, which some formats cannot hold."""

from torch import Tensor

from quark_core.errors import DataError


def has_nan(v: Tensor) -> bool:
    """Return whether ``v`` (floating point, any shape) holds NaN."""
    # NaN goes through a maximum, which takes a fraction of the time of isnan.
    return v.numel() > 0 and bool(v.amax().isnan())


def refuse_nan(v: Tensor, which: str) -> None:
    """Raise DataError when ``v`` (floating point, any shape) holds NaN."""
    if has_nan(v):
        raise DataError(
            f"the tensor holds NaN, for which {which} no code; remove the NaN values, "
            "or use quantize_dequantize, which keeps them"
        )
