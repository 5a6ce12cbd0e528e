"""Speed and memory of models in the CPU's 8-bit kernels, beside float32 and torch.ao's FX graph mode.

    python -m benchmarks.cpu [--cases linear unet efficientnet] [--repeats 9] [--csv FILE]

All contestants of a case run in the same rounds. ``held``: resident memory that a model takes; ``extra``: what torch's
allocator handed out at once during a run. ``dB``: signal to quantization noise of the result, against float32;
``simulated dB``: against the quantized model that it was lowered from.
"""

from __future__ import annotations

import argparse
import copy
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.resident import resident
from benchmarks.tables import publish
from benchmarks.timing import interleaved, peak_extra_bytes
from examples.models import efficientnet, small
from quark_core import QuantConfig, quantize
from quark_core.engine.sqnr import Sqnr

COLUMNS = ("case", "batch", "contestant", "ms", "speed", "held_mib", "extra_mib", "db", "simulated_db")
ROWS8: dict[str, Any] = {"dtype": "int8", "qscheme": "per_channel"}
UINT8: dict[str, Any] = {"dtype": "uint8", "symmetric": False}
GRAPH = {"mode": "fx_graph_mode"}
STATIC = GRAPH | {"weight": ROWS8, "input": UINT8}
LINEAR: dict[str, dict[str, Any]] = {
    "int8 static": STATIC,
    "int8 dynamic": GRAPH | {"weight": ROWS8, "input": UINT8 | {"is_dynamic": True}},
    "int8 dynamic per token": GRAPH
    | {"weight": ROWS8, "input": {"dtype": "int8", "qscheme": "per_token", "is_dynamic": True}},
    "int4 weights, packed": GRAPH | {"weight": {"dtype": "int4", "qscheme": "per_group", "group_size": 32}},
}


@dataclass(frozen=True)
class Case:
    """A network, the batches that it is timed with, and the configs that it is quantized by."""

    make: Callable[[], nn.Module]
    data: Callable[[], Sequence[Tensor]]
    batches: tuple[int, ...]
    configs: dict[str, dict[str, Any]]


def linear() -> nn.Module:
    """Return one linear layer of 4096 x 4096."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4096, 4096)).eval()


def _rows() -> Sequence[Tensor]:
    return [torch.randn(512, 4096, generator=torch.Generator().manual_seed(1))]


def cases() -> dict[str, Case]:
    """Return the cases by name; making one whose packages are not installed raises ModuleNotFoundError."""
    network = {"int8 static": STATIC}
    return {
        "linear": Case(linear, _rows, (1, 32, 512), LINEAR),
        "unet": Case(small.unet, lambda: list(small.images()), (1, 8), network),
        "efficientnet": Case(efficientnet.network, lambda: list(efficientnet.photos())[:4], (1, 8), network),
    }


@dataclass(frozen=True)
class Contestant:
    """A model, the memory that it holds, and the model that simulates it."""

    model: nn.Module
    held: float
    simulated: nn.Module | None = None


def torch_ao(model: nn.Module, batches: Sequence[Tensor]) -> nn.Module:
    """Return ``model`` quantized by torch.ao's FX graph mode for engine x86."""
    from torch.ao.quantization import get_default_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

    with warnings.catch_warnings(action="ignore"):
        prepared: Any = prepare_fx(copy.deepcopy(model), get_default_qconfig_mapping("x86"), (batches[0],))
        for batch in batches:
            prepared(batch)
        made: nn.Module = convert_fx(prepared)
        return made


def contestants(case: Case) -> Iterator[tuple[str, Contestant]]:
    """Yield everybody who can do ``case``, by name."""
    model, held = resident(case.make)
    yield "float32", Contestant(model, held)
    data = case.data()
    for name, parts in case.configs.items():
        config = QuantConfig.model_validate(parts)

        def lowered(config: QuantConfig = config) -> nn.Module:
            made = quantize(model, config, calibration=data, lower=True, progress=False).lowered
            if made is None:
                raise ValueError("lowering gave nothing")
            return made

        made, held = resident(lowered)
        simulated = quantize(model, config, calibration=data, progress=False).model
        yield name, Contestant(made, held, simulated)
    made, held = resident(partial(torch_ao, model, data))
    yield "torch.ao FX", Contestant(made, held)


def measure(name: str, case: Case, repeats: int) -> list[dict[str, str]]:
    """Return a line for each contestant and batch."""
    lines: list[dict[str, str]] = []
    with torch.no_grad(), warnings.catch_warnings(action="ignore"):
        everybody = dict(contestants(case))
        for size in case.batches:
            x = case.data()[0][:size]
            work = {who: partial(contestant.model, x) for who, contestant in everybody.items()}
            seconds = interleaved(work, repeats)
            exact: Tensor = work["float32"]()
            for who, contestant in everybody.items():
                speed = seconds["float32"] / seconds[who]
                held, extra = contestant.held / 2**20, peak_extra_bytes(work[who]) / 2**20
                figures = (f"{1000 * seconds[who]:.2f}", f"{speed:.2f}", f"{held:.1f}", f"{extra:.1f}")
                found = work[who]()
                own = decibels(contestant.simulated(x), found) if contestant.simulated is not None else "-"
                values = (name, str(size), who, *figures, decibels(exact, found), own)
                lines.append(dict(zip(COLUMNS, values, strict=True)))
    return lines


def decibels(exact: Tensor, found: Tensor) -> str:
    """Return the signal to noise ratio of ``found``, as text."""
    sqnr = Sqnr()
    sqnr.add(exact, found)
    return f"{sqnr.db:.1f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and, if asked, write a CSV file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cpu", description="Speed and memory in 8-bit kernels.")
    parser.add_argument("--cases", nargs="+", default=list(cases()), choices=list(cases()))
    parser.add_argument("--repeats", type=int, default=9, help="rounds that count (9)")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch (1)")
    parser.add_argument("--csv", type=Path, help="also write the table here")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    lines: list[dict[str, str]] = []
    for name in options.cases:
        try:
            lines += measure(name, cases()[name], options.repeats)
        except ModuleNotFoundError as error:
            print(f"{name}: left out, {error}")
    publish(COLUMNS, lines, options.csv)


if __name__ == "__main__":
    main()
