"""``quark demo`` does the whole job four times, and notices when a loaded model differs."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from quark_core import load
from quark_core.cli import main
from quark_core.demo import run as demo
from quark_core.demo.network import DigitsNet, digits, digits_net
from quark_core.demo.run import CONFIGS, accuracy, run
from quark_core.errors import ArtifactError


def test_the_command_writes_four_models_and_a_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["demo", "--out", str(tmp_path / "out")])
    out, err = capsys.readouterr()
    assert (left.value.code or 0, err) == (0, "")
    assert out.startswith("digits network in float32: 0.992 of held-out digits right\n")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(CONFIGS)
    summary = out[out.index("== summary") :]
    assert summary.count("same bits") == 4
    assert all(f"\n{name} " in summary for name in CONFIGS)
    assert f"saved to {tmp_path / 'out'}" in out
    loaded = load(tmp_path / "out" / "int8", DigitsNet())
    assert accuracy(loaded) > 0.98


def test_a_model_that_comes_back_different_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Off(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return torch.zeros(len(images), 10)

    monkeypatch.setattr(demo, "load", lambda _folder, _model: Off())
    with pytest.raises(ArtifactError, match="the loaded model computes something else than the saved one"):
        run("int8", tmp_path / "out")


def test_the_network_is_the_one_that_is_described() -> None:
    net = digits_net()
    assert sum(p.numel() for p in net.parameters()) == 27_722
    assert not net.training
    images, labels = digits("test")
    assert (images.dtype, labels.dtype) == (torch.float32, torch.int64)
    assert net(images[:3]).shape == (3, 10)


def test_a_row_of_the_summary(tmp_path: Path) -> None:
    outcome = run("int8", tmp_path / "out")
    name, right, _, size, share, same = outcome.row()
    assert (name, right, same) == ("int8", f"{outcome.accuracy:.3f}", "same bits")
    assert size == f"{27_722 * 4} -> {outcome.report.stored_bytes}"
    assert share == "99.4%"
