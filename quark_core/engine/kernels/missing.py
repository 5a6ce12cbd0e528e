"""The error for NaN in formats that cannot hold it."""

from torch import Tensor

from quark_core.errors import DataError


def refuse_nan(v: Tensor, which: str) -> None:
    """Raise DataError when ``v`` (any shape) holds NaN."""
    if bool(v.isnan().any()):
        raise DataError(
            f"the tensor holds NaN, for which {which} no code; remove the NaN values, "
            "or use quantize_dequantize, which keeps them"
        )
