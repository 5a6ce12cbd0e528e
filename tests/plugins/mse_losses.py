"""What quantizing loses, by full passes over the values in float64."""

from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def int_loss(x: Array, bounds: tuple[float, float], bits: int, symmetric: bool, p: float) -> float:
    lo, hi = bounds
    if symmetric:
        qmin, qmax, zero = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1, 0.0
        scale = max(abs(lo), abs(hi)) / qmax
    else:
        qmin, qmax = 0, 2**bits - 1
        scale = (max(hi, 0) - min(lo, 0)) / qmax
        zero = np.rint(-min(lo, 0) / scale)
    codes = np.clip(np.rint(x / scale) + zero, qmin, qmax)
    return float((np.abs((codes - zero) * scale - x) ** p).sum())


def fp8_loss(x: Array, lo: float, hi: float) -> float:
    scale = max(abs(lo), abs(hi)) / 448
    snapped = np.clip(x / scale, -448, 448).astype(ml_dtypes.float8_e4m3fn).astype(np.float64) * scale
    return float(((snapped - x) ** 2).sum())
