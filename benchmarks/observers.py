"""Times the bundled observers beside ``copy_`` of the same values and beside naive torch code that does the same.

    python -m benchmarks.observers [--rows 4096] [--columns 2048] [--repeats 5] [--csv FILE]

Each line is one observer, made anew, fed one batch and asked for its range; everything runs in turns.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.tables import publish
from quark_core.plugin import ObserverSpec
from quark_observers import OBSERVERS

Work = Callable[[], Any]
COLUMNS = ("scheme", "observer", "ms", "copies", "naive_ms", "of_naive")


def naive_min_max(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return each row's minimum and maximum by aminmax."""
    lo, hi = x.aminmax(dim=1)
    return lo, hi


def naive_percentile(x: Tensor, percent: float = 99.99) -> tuple[Tensor, Tensor]:
    """Return both percentiles by kthvalue; torch.quantile takes at most 2^24 values."""
    rank = ceil(percent / 100 * x.shape[1])
    return x.kthvalue(x.shape[1] - rank + 1, 1).values, x.kthvalue(rank, 1).values


def naive_mse(x: Tensor, candidates: int = 100) -> Tensor:
    """Return the best amax for int8, symmetric, by a pass over all values for each candidate."""
    amax = x.abs().amax(1, keepdim=True)
    losses = []
    for i in range(1, candidates + 1):
        scale = amax * (i / candidates) / 127
        losses.append(((x / scale).round_().clamp_(-128, 127).mul_(scale) - x).square_().sum(1))
    return amax.squeeze(1) * (torch.stack(losses).argmin(0) + 1) / candidates


NAIVE: Mapping[str, Callable[[Tensor], Any]] = {
    "min_max": naive_min_max,
    "moving_average": naive_min_max,
    "percentile": naive_percentile,
    "mse": naive_mse,
}


def observe(spec: ObserverSpec, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the range that a new observer finds in ``x``."""
    observer = spec.impl.load()(spec.options(name=spec.name))
    observer.observe(x)
    return observer.range()


def in_turns(work: Mapping[str, Work], repeats: int, once: frozenset[str] = frozenset()) -> dict[str, float]:
    """Return the median milliseconds of each; those in ``once`` run in the last round only."""
    taken: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(repeats):
        for name, run in work.items():
            if name in once and turn < repeats - 1:
                continue
            start = time.perf_counter()
            run()
            taken[name].append((time.perf_counter() - start) * 1000)
    return {name: statistics.median(times) for name, times in taken.items()}


def measure(scheme: str, x: Tensor, repeats: int) -> list[dict[str, str]]:
    """Return a line for each observer."""
    copy = torch.empty_like(x)
    work: dict[str, Work] = {"copy_": partial(copy.copy_, x)}
    work |= {spec.name: partial(observe, spec, x) for spec in OBSERVERS}
    work |= {f"naive {name}": partial(run, x) for name, run in NAIVE.items()}
    ms = in_turns(work, repeats, frozenset({"naive mse", "naive percentile"}))
    lines = []
    for name in (spec.name for spec in OBSERVERS):
        naive = ms.get(f"naive {name}")
        values = (scheme, name, f"{ms[name]:.2f}", f"{ms[name] / ms['copy_']:.2f}")
        rest = ("", "") if naive is None else (f"{naive:.2f}", f"{ms[name] / naive:.3f}")
        lines.append(dict(zip(COLUMNS, values + rest, strict=True)))
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and, if asked, write a CSV file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=4096, help="channels of the tensor (4096)")
    parser.add_argument("--columns", type=int, default=2048, help="values of each channel (2048)")
    parser.add_argument("--repeats", type=int, default=5, help="rounds, of which medians are taken (5)")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch (1)")
    parser.add_argument("--csv", type=Path, help="also write the table here")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    x = torch.randn(options.rows, options.columns, generator=torch.Generator().manual_seed(0))
    for spec in OBSERVERS:  # imports happen outside the clock
        observe(spec, x[:1, :64])
    lines = measure("per_tensor", x.view(1, -1), options.repeats) + measure("per_channel", x, options.repeats)
    publish(COLUMNS, lines, options.csv)


if __name__ == "__main__":
    main()
