"""Prints, writes and draws results."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from benchmarks.measure import COMPILED, COPY, FRESH, OURS, Result

COLUMNS = tuple(field.name for field in fields(Result))


def lines(results: Iterable[Result]) -> list[str]:
    """Return one case as text, a line for each contestant."""
    return [_line(result) for result in results]


def _line(result: Result) -> str:
    name = f"  {result.contestant:<28}"
    if result.fault:
        return f"{name} cannot: {result.fault[:90]}"
    text = f"{name}{result.gb_per_s:8.2f} GB/s{result.of_copy:7.2f} of copy_"
    if result.contestant != COPY:
        text += f"{result.extra_mib:9.1f} MiB extra"
        text += f"   ours x{result.ours_is_faster:.2f}" if result.contestant != OURS else ""
    return text + (f"   {result.differs:.1e} of the values differ" if result.differs else "")


def close_calls(results: Sequence[Result]) -> list[str]:
    """Return the cases in which ours is not twice as fast as the fastest peer, as text."""
    found: list[str] = []
    for case in dict.fromkeys((r.format, r.shape) for r in results):
        peers = [
            r for r in results if (r.format, r.shape) == case and r.contestant not in (COPY, OURS, FRESH, COMPILED)
        ]
        best = min((r for r in peers if not r.fault), key=lambda r: r.seconds, default=None)
        if best and best.ours_is_faster < 2:
            found.append(f"  {case[0]}  {case[1]}: x{best.ours_is_faster:.2f} beside {best.contestant}")
    return found


def write_csv(path: Path, results: Sequence[Result]) -> None:
    """Write every result, one row a contestant and case."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(asdict(result) for result in results)


def draw(path: Path, results: Sequence[Result]) -> None:
    """Draw each contestant's share of copy_ for every format, on the first shape; needs matplotlib."""
    from matplotlib.figure import Figure

    drawn = [r for r in results if r.shape == results[0].shape and r.contestant != COPY and not r.fault]
    formats, contestants = _unique(r.format for r in drawn), _unique(r.contestant for r in drawn)
    figure = Figure(figsize=(8, 1 + 0.55 * len(formats)), layout="constrained")
    axes: Any = figure.subplots()
    height = 0.85 / len(contestants)
    for index, name in enumerate(contestants):
        own = [r for r in drawn if r.contestant == name]
        places = [formats.index(r.format) + index * height for r in own]
        axes.barh(places, [r.of_copy for r in own], height, label=name)
    axes.set_yticks([place + 0.42 for place in range(len(formats))], formats)
    axes.invert_yaxis()
    axes.set_xlabel(f"speed as a share of copy_ ({results[0].shape}, float32, CPU)")
    axes.axvline(1.0, color="gray", linewidth=0.8)
    axes.legend(fontsize="small")
    figure.savefig(path, dpi=80)


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
