import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from benchmarks.cases import label
from benchmarks.codes import COLUMNS, CONFIGS, main, operations
from quark_core.functional import pack, unpack

OPERATIONS = ["copy_", "fresh", "quantize", "dequantize", "pack", "unpack"]


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_every_operation_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "codes.csv"
    main(["--shape", "4x128", "--repeats", "1", "--csv", str(file)])
    with file.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["format"], row["operation"]) for row in rows] == [
        (label(config), operation) for config in CONFIGS for operation in OPERATIONS
    ]
    assert all(float(row["ms"]) >= 0 and float(row["copies"]) > 0 for row in rows)
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(rows)


def test_each_operation_does_what_its_name_says() -> None:
    for config in CONFIGS:
        work = operations(config, (2, 128))
        codes, bits = work["quantize"](), {"int4": 4, "nf4": 4}.get(config["dtype"], 8)
        assert torch.equal(work["pack"](), pack(codes, bits))
        assert torch.equal(work["unpack"](), codes)
        assert torch.equal(unpack(work["pack"](), bits, (2, 128), signed=codes.dtype == torch.int8), codes)
        assert work["dequantize"]().dtype == torch.float32
