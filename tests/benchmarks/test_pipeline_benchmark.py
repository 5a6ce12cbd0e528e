import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from benchmarks.pipeline import COLUMNS, main


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_both_modes_and_torch_ao_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "pipeline.csv"
    main(["--networks", "unet", "--repeats", "1", "--csv", str(file)])
    with file.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert tuple(rows[0]) == COLUMNS
    assert [row["contestant"] for row in rows] == [
        "float forward",
        "quark-core fx_graph_mode",
        "quark-core eager_mode",
        "torch.ao FX",
    ]
    assert all(float(row["seconds"]) > 0 for row in rows)
    assert "unet" in capsys.readouterr().out
