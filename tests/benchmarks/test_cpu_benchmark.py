import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from benchmarks import cpu
from benchmarks.resident import resident
from quark_core import QuantConfig, quantize


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_everybody_is_measured_at_every_batch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cpu.csv"
    cpu.main(["--cases", "unet", "--repeats", "1", "--csv", str(file)])
    with file.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert tuple(rows[0]) == cpu.COLUMNS
    names = ["float32", "int8 static", "torch.ao FX"]
    assert [(row["batch"], row["contestant"]) for row in rows] == [(size, name) for size in "18" for name in names]
    ours = [row for row in rows if row["contestant"] == "int8 static"]
    assert all(float(row["db"]) > 30 for row in ours)
    assert all(float(row["simulated_db"]) > 35 for row in ours)
    assert "unet" in capsys.readouterr().out


def test_every_config_of_the_linear_layer_is_lowered() -> None:
    found = {}
    for name, parts in cpu.LINEAR.items():
        net = torch.nn.Sequential(torch.nn.Linear(64, 64))
        config = QuantConfig.model_validate(parts)
        result = quantize(net, config, calibration=[torch.randn(4, 64)], lower=True, progress=False)
        found[name] = result.report.layers[0].path
    assert found == {
        "int8 static": "kernel",
        "int8 dynamic": "kernel",
        "int8 dynamic per token": "kernel",
        "int4 weights, packed": "dequantized",
    }


def test_resident_memory_is_what_is_held() -> None:
    made, held = resident(lambda: torch.ones(1 << 22))
    assert held == pytest.approx(made.numel() * 4, rel=0.1)
