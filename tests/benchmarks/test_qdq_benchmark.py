import csv
import math
from pathlib import Path

import pytest
import torch

from benchmarks.qdq import main
from benchmarks.timing import interleaved, peak_extra_bytes
from quark_core.registry import current

COLUMNS = [
    "format",
    "shape",
    "contestant",
    "seconds",
    "gb_per_s",
    "of_copy",
    "ours_is_faster",
    "extra_mib",
    "differs",
    "fault",
]


def run(tmp_path: Path, *arguments: str) -> list[dict[str, str]]:
    file = tmp_path / "qdq.csv"
    main(["--shapes", "4x128", "--repeats", "1", "--csv", str(file), *arguments])
    with file.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_every_dtype_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = run(tmp_path)
    assert list(rows[0]) == COLUMNS
    assert {row["format"].split()[0] for row in rows} == set(current().dtypes())
    ours = [row for row in rows if row["contestant"] == "quark-core"]
    assert all(row["shape"] == "4x128" and float(row["seconds"]) > 0 for row in ours)
    assert "GB/s" in capsys.readouterr().out


def test_formats_choose_by_dtype_or_label(tmp_path: Path) -> None:
    rows = run(tmp_path, "--formats", "int4 per_group 32", "mx")
    assert list(dict.fromkeys(row["format"] for row in rows)) == ["int4 per_group 32", "mx"]


def test_torch_agrees_but_for_ties(tmp_path: Path) -> None:
    rows = [row for row in run(tmp_path) if row["contestant"].startswith("torch ")]
    assert {row["format"] for row in rows} >= {"int8 per_tensor", "fp8_e4m3 per_channel", "bfloat16", "float16"}
    assert all(float(row["differs"]) < 0.01 for row in rows)


def test_the_compiler_is_one_more_contestant(tmp_path: Path) -> None:
    rows = run(tmp_path, "--compiled", "--formats", "int8 per_tensor", "bfloat16")
    compiled = [row for row in rows if row["contestant"] == "quark-core, compiled"]
    assert [row["format"] for row in compiled] == ["int8 per_tensor"]
    assert float(compiled[0]["differs"]) == 0.0


def test_a_shape_that_groups_do_not_divide_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = run(tmp_path, "--shapes", "2x96", "--formats", "int4")
    assert {row["format"] for row in rows} == {"int4 per_group 32"}
    assert "int4 per_group 128  2x96: left out" in capsys.readouterr().out


def test_unknown_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="nothing to measure"):
        run(tmp_path, "--formats", "int77")


def test_peak_counts_what_is_held_at_once() -> None:
    def work() -> torch.Tensor:
        for _ in range(3):
            torch.empty(1 << 18)
        return torch.empty(1 << 18)

    assert peak_extra_bytes(work) == 1 << 20


def test_every_contestant_runs_once_in_each_round() -> None:
    calls: list[str] = []

    def contestant(name: str) -> torch.Tensor:
        calls.append(name)
        return torch.empty(0)

    medians = interleaved({"a": lambda: contestant("a"), "b": lambda: contestant("b")}, 2)
    assert calls == ["a", "b"] * 3
    assert all(math.isfinite(seconds) for seconds in medians.values())
