"""Time and memory of a whole quantization, prepare to convert, beside torch.ao's FX graph mode.

    python -m benchmarks.pipeline [--repeats 3] [--csv FILE]

Static 8-bit weights and activations, four calibration batches; every contestant starts from the same float network, in
the same rounds. What comes out differs: ours computes in float on quantized values, torch.ao's has int8 kernels.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.tables import publish
from benchmarks.timing import interleaved, peak_extra_bytes
from examples.models import efficientnet, small
from quark_core import QuantConfig, quantize

BATCHES = 4
CONFIG = {
    "weight": {"dtype": "int8", "qscheme": "per_channel", "ch_axis": 0},
    "input": {"dtype": "uint8", "symmetric": False},
}
COLUMNS = ("network", "contestant", "seconds", "of_forward", "extra_mib")


def networks() -> dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]]:
    """Return makers of networks, each with the shape of a batch."""
    return {"unet": (small.unet, (8, 3, 64, 64)), "efficientnet": (efficientnet.network, (4, 3, 224, 224))}


def ours(model: nn.Module, batches: Sequence[Tensor], mode: str) -> Tensor:
    """Quantize with one of our modes and return the first output."""
    config = QuantConfig.model_validate({"mode": mode, **CONFIG})
    found: Tensor = quantize(model, config, calibration=batches, progress=False).model(batches[0])
    return found


def torch_ao(model: nn.Module, batches: Sequence[Tensor]) -> Tensor:
    """Quantize with torch.ao's FX graph mode and return the first output."""
    from torch.ao.quantization import get_default_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

    with warnings.catch_warnings(action="ignore"):
        prepared: Any = prepare_fx(model, get_default_qconfig_mapping("x86"), (batches[0],))
        for batch in batches:
            prepared(batch)
        found: Tensor = convert_fx(prepared)(batches[0])
    return found


def measure(name: str, model: nn.Module, shape: tuple[int, ...], repeats: int) -> list[dict[str, str]]:
    """Return a line for each contestant on one network."""
    generator = torch.Generator().manual_seed(0)
    batches = [torch.randn(shape, generator=generator) for _ in range(BATCHES)]
    with torch.no_grad():
        work: Mapping[str, Callable[[], Tensor]] = {
            "float forward": partial(model, batches[0]),
            "quark-core fx_graph_mode": partial(ours, model, batches, "fx_graph_mode"),
            "quark-core eager_mode": partial(ours, model, batches, "eager_mode"),
            "torch.ao FX": partial(torch_ao, model, batches),
        }
        seconds = interleaved(work, repeats)
        extra = {contestant: peak_extra_bytes(run) / 2**20 for contestant, run in work.items()}
    return [
        dict(zip(COLUMNS, (name, c, f"{s:.3f}", f"{s / seconds['float forward']:.1f}", f"{extra[c]:.1f}"), strict=True))
        for c, s in seconds.items()
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and, if asked, write a CSV file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description="Time and memory of quantizing.")
    parser.add_argument("--networks", nargs="+", default=list(networks()), choices=list(networks()))
    parser.add_argument("--repeats", type=int, default=3, help="rounds that count (3)")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch (1)")
    parser.add_argument("--csv", type=Path, help="also write the table here")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    lines: list[dict[str, str]] = []
    for name in options.networks:
        make, shape = networks()[name]
        try:
            lines += measure(name, make(), shape, options.repeats)
        except ModuleNotFoundError as error:
            print(f"{name}: left out, {error}")
    publish(COLUMNS, lines, options.csv)


if __name__ == "__main__":
    main()
