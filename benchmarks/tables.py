"""A table of texts, printed and, if asked, written to a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path


def publish(columns: Sequence[str], lines: Sequence[Mapping[str, str]], path: Path | None) -> None:
    """Print ``lines`` below their ``columns``, and write them to ``path`` unless it is None."""
    rows = [tuple(columns), *(tuple(line[column] for column in columns) for line in lines)]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
    if path is not None:
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
