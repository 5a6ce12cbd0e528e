"""Times codes beside ``copy_`` of the float32 tensor: quantize, dequantize, pack and unpack.

    python -m benchmarks.codes [--shape 4096x4096] [--repeats 5] [--threads 1] [--csv FILE]

Run it from the repository's root. All of a format's operations run in turns. ``fresh`` is a copy into a new tensor,
whose page faults ``dequantize`` has too.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.cases import label, make_case
from benchmarks.tables import publish
from benchmarks.timing import Contestant, interleaved
from quark_core.functional import dequantize, pack, quantize, unpack
from quark_core.plugin.formats import has_signed_codes

COLUMNS = ("format", "shape", "operation", "ms", "copies")
CONFIGS: tuple[dict[str, Any], ...] = (
    {"dtype": "int8", "qscheme": "per_channel"},
    {"dtype": "int4", "qscheme": "per_group", "group_size": 128},
    {"dtype": "fp8_e4m3", "qscheme": "per_channel"},
    {"dtype": "nf4", "qscheme": "per_group", "group_size": 64},
)


def operations(config: dict[str, Any], shape: tuple[int, int]) -> Mapping[str, Contestant]:
    """Return what is timed for a format, ``copy_`` first."""
    case = make_case(config, shape)
    fmt = case.settings.dtype.format
    codes = quantize(case.x, case.settings, case.params)
    packed = pack(codes, fmt.bits)
    return {
        "copy_": partial(torch.empty_like(case.x).copy_, case.x),
        "fresh": case.x.clone,
        "quantize": partial(quantize, case.x, case.settings, case.params),
        "dequantize": partial(dequantize, codes, case.settings, case.params),
        "pack": partial(pack, codes, fmt.bits),
        "unpack": partial(unpack, packed, fmt.bits, shape, signed=has_signed_codes(fmt)),
    }


def measure(config: dict[str, Any], shape: tuple[int, int], repeats: int) -> list[dict[str, str]]:
    """Return a line for each operation."""
    seconds = interleaved(operations(config, shape), repeats)
    return [
        {
            "format": label(config),
            "shape": f"{shape[0]}x{shape[1]}",
            "operation": name,
            "ms": f"{taken * 1000:.2f}",
            "copies": f"{taken / seconds['copy_']:.2f}",
        }
        for name, taken in seconds.items()
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and, if asked, write a CSV file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shape", type=_shape, default=(4096, 4096), help="rows and columns (4096x4096)")
    parser.add_argument("--repeats", type=int, default=5, help="rounds, of which medians are taken (5)")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch (1)")
    parser.add_argument("--csv", type=Path, help="also write the table here")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    lines = []
    for config in CONFIGS:
        lines += measure(config, options.shape, options.repeats)
    publish(COLUMNS, lines, options.csv)


def _shape(text: str) -> tuple[int, int]:
    rows, columns = map(int, text.split("x"))
    return rows, columns


if __name__ == "__main__":
    main()
