"""Prints the tables of the README: how exactly a million random numbers are held, with one scale for all of them."""

import math

import torch
from torch import Tensor

from quark_core import TensorConfig
from quark_core.functional import quantize_dequantize
from quark_posit.codec import Posit8

DTYPES = ("int8", "fp8_e4m3", "posit.posit8", "int16", "float16", "posit.posit16")
ENDS = {"1": 0, "4": 2, "16": 4, "64": 6, "256": 8, "2^24": 24}


def samples() -> dict[str, Tensor]:
    """Return ``[1000000]`` float32 of each distribution, the same each time."""
    generator = torch.Generator().manual_seed(0)
    normal = torch.randn(8, 1_000_000, generator=generator)
    return {
        "Gaussian": normal[0],
        # The sum of two products of Gaussians is distributed like that.
        "Laplace": normal[1] * normal[2] + normal[3] * normal[4],
        "Student t, 3": normal[0] / normal[5:8].square().mean(0).sqrt(),
    }


def decibels(x: Tensor, y: Tensor) -> float:
    """Return the ratio of the power of ``x`` and that of ``y - x``, in dB."""
    return 10 * math.log10(float(x.double().square().sum() / (y.double() - x.double()).square().sum()))


def by_dtype(x: Tensor) -> list[float]:
    """Return the SQNR of ``x`` in each dtype."""
    return [decibels(x, quantize_dequantize(x, TensorConfig(dtype=dtype))) for dtype in DTYPES]


def by_largest(x: Tensor) -> list[float]:
    """Return the SQNR of ``x`` in posit8 when its largest magnitude is mapped onto each of ``ENDS``."""
    codec = Posit8()
    scales = [x.abs().max() / 2.0**exponent for exponent in ENDS.values()]
    return [decibels(x, codec.decode(codec.encode(x / scale)) * scale) for scale in scales]


def table(corner: str, names: list[str], columns: dict[str, list[float]]) -> str:
    """Return a table in Markdown: a row for each of ``names``."""
    rows = [[corner, *columns], ["---", *("---:" for _ in columns)]]
    rows += [
        [name, *(f"{value:.1f}" for value in row)]
        for name, row in zip(names, zip(*columns.values(), strict=True), strict=True)
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def tables() -> list[str]:
    """Return both tables."""
    data = samples()
    return [
        table("SQNR, dB", list(DTYPES), {name: by_dtype(x) for name, x in data.items()}),
        table("largest value at", list(ENDS), {name: by_largest(x) for name, x in data.items()}),
    ]


if __name__ == "__main__":
    print(*tables(), sep="\n\n")
