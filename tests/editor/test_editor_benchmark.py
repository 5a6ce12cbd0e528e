"""The benchmark of the engines runs and measures each of them with both schemas."""

from __future__ import annotations

import csv
from pathlib import Path

from click.testing import CliRunner

from benchmarks.editor import COLUMNS, ENGINES, FIGURES, main


def test_every_engine_is_measured(node_modules: Path, tmp_path: Path) -> None:
    file = tmp_path / "editor.csv"
    ran = CliRunner().invoke(main, ["--plugins", "3", "--rounds", "2", "--csv", str(file)], catch_exceptions=False)
    assert ran.exit_code == 0
    assert "many: " in ran.output
    with file.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["engine"], row["what"]) for row in rows] == [(e, w) for e in ENGINES.values() for w in FIGURES]
    assert all(float(row["bundled ms"]) > 0 and float(row["many ms"]) > 0 for row in rows)
