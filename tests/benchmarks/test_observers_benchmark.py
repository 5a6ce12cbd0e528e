import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from benchmarks.observers import COLUMNS, main, naive_mse, naive_percentile
from quark_observers import OBSERVERS


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_every_observer_is_measured_per_tensor_and_per_channel(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "observers.csv"
    main(["--rows", "4", "--columns", "64", "--repeats", "2", "--csv", str(file)])
    with file.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert [(row["scheme"], row["observer"]) for row in rows] == [
        (scheme, spec.name) for scheme in ("per_tensor", "per_channel") for spec in OBSERVERS
    ]
    assert all(float(row["ms"]) > 0 and float(row["copies"]) > 0 for row in rows)
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(rows)
    assert tuple(rows[0]) == COLUMNS


def test_naive_code_does_what_its_name_says() -> None:
    x = torch.arange(1.0, 201.0)[None]
    assert [bound.item() for bound in naive_percentile(x, 99.0)] == [3.0, 198.0]
    assert naive_mse(torch.arange(-127.0, 128.0)[None]).item() == 127.0
