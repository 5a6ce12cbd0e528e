"""A saved folder: what is in it, that it appears whole or not at all, and what is never overwritten."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from quark_core.engine import artifact
from quark_core.engine.artifact import CONFIG, MANIFEST, TENSORS
from quark_core.engine.result import Result
from quark_core.errors import ArtifactError
from tests.unit.engine.sample_nets import INT8, ROWS8, Tied, convnet, images, mlp, run


def result(**settings: Any) -> Result:
    return run(convnet(), images(), **({"weight": ROWS8, "input": INT8} | settings))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_folder_holds_three_files_and_no_pickle(tmp_path: Path) -> None:
    folder = result().save(tmp_path / "deep" / "out", architecture="nets:make")
    found = contents(folder)
    assert sorted(found) == [CONFIG, MANIFEST, TENSORS]
    manifest = json.loads(found[MANIFEST])
    assert manifest["architecture"] == "nets:make"
    assert manifest["plugins"].keys() == {
        "quark_cpu",
        "quark_dtypes",
        "quark_eager",
        "quark_observers",
        "quark_rounding",
    }
    assert json.loads(found[CONFIG]) == {"version": 1, "weight": ROWS8, "input": INT8}
    assert [p.name for p in folder.parent.iterdir()] == ["out"]


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    settings = {"input": {"dtype": "uint8", "symmetric": False, "observer": "percentile"}}
    first, second = (contents(result(**settings).save(tmp_path / name)) for name in ("a", "b"))
    assert first == second


@pytest.mark.parametrize(
    "weight", [ROWS8, {"dtype": "int4"}, {"dtype": "uint4", "symmetric": False}, {"dtype": "float16"}, {"dtype": "mx"}]
)
def test_sizes_in_the_report_are_those_in_the_file(tmp_path: Path, weight: dict[str, Any]) -> None:
    net = nn.Sequential(nn.Linear(32, 64), nn.BatchNorm1d(64), nn.Linear(64, 5))
    made = run(net, torch.randn(4, 32), weight=weight, input=INT8)
    tensors = load_file(made.save(tmp_path / "out") / TENSORS)
    size = {name: t.numel() * t.element_size() for name, t in tensors.items()}
    assert sum(size.values()) == made.report.stored_bytes
    for row in made.report.tensors:
        assert sum(n for name, n in size.items() if name.startswith(f"quantized/{row.key}/")) == row.stored_bytes
    assert sum(t.numel() * t.element_size() for t in net.state_dict().values()) == made.report.float_bytes


def test_a_tied_weight_is_stored_once(tmp_path: Path) -> None:
    made = run(Tied(), weight=ROWS8)
    assert set(load_file(made.save(tmp_path / "out") / TENSORS)) == {
        "float/head.bias",
        "quantized/embed.weight/codes",
        "quantized/embed.weight/scale",
    }


def test_tensors_that_share_memory_can_be_saved(tmp_path: Path) -> None:
    class Views(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4)
            memory = torch.arange(8.0)
            self.register_buffer("a", memory[:4])
            self.register_buffer("b", memory[2:])
            self.register_buffer("c", memory.reshape(2, 4).t())

        def forward(self, x: Tensor) -> Any:
            return self.fc(x)

    tensors = load_file(run(Views(), weight=INT8).save(tmp_path / "out") / TENSORS)
    assert tensors["float/b"].tolist() == [2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    assert tensors["float/c"].tolist() == [[0.0, 4.0], [1.0, 5.0], [2.0, 6.0], [3.0, 7.0]]


def test_a_saved_folder_is_replaced(tmp_path: Path) -> None:
    folder = run(mlp(), weight=INT8).save(tmp_path / "out")
    before = contents(folder)
    assert contents(run(mlp(), weight={"dtype": "int4"}).save(folder)) != before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_is_taken_and_a_link_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = run(mlp(), weight=INT8)
    (tmp_path / "here").mkdir()
    (tmp_path / "link").symlink_to("here")
    for _ in range(2):
        made.save(tmp_path / "link")
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "here" / MANIFEST).is_file()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["here", "link"]
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    made.save(".")
    assert (tmp_path / "work" / MANIFEST).is_file()


def _foreign(folder: Path) -> None:
    (folder / "thesis.txt").write_text("years of work", encoding="utf-8")


def _web_app(folder: Path) -> None:
    (folder / MANIFEST).write_text('{"name": "my app"}', encoding="utf-8")


def _alike(folder: Path) -> None:
    for name in (MANIFEST, CONFIG, TENSORS):
        (folder / name).write_text("{}", encoding="utf-8")


def _ours_and_more(folder: Path) -> None:
    run(mlp(), weight=INT8).save(folder)
    _foreign(folder)


@pytest.mark.parametrize("fill", [_foreign, _web_app, _alike, _ours_and_more])
def test_a_folder_with_other_things_is_not_touched(tmp_path: Path, fill: Callable[[Path], None]) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    fill(folder)
    before = contents(folder)
    with pytest.raises(
        ArtifactError, match=r"holds other things than Quark Core wrote; choose another folder or empty"
    ):
        run(mlp(), weight=INT8).save(folder)
    assert contents(folder) == before


def test_a_file_in_the_way_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    for target in (tmp_path / "out", tmp_path / "out" / "deeper"):
        with pytest.raises(ArtifactError, match=r"cannot be written: (Not a directory|File exists)"):
            run(mlp(), weight=INT8).save(target)
    assert (tmp_path / "out").read_text(encoding="utf-8") == "a file"


@pytest.mark.parametrize("failing", range(5))
def test_a_failure_while_writing_leaves_the_old_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    """Steps: write three files, move the old folder away, move the new one in."""
    folder = run(mlp(), weight=INT8).save(tmp_path / "out")
    before, made = contents(folder), run(mlp(), weight={"dtype": "int4"})
    steps: list[str] = []

    def counting(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any) -> Any:
            steps.append(name)
            if len(steps) == failing + 1:
                raise OSError(28, "No space left on device")
            return real(*args)

        return step

    monkeypatch.setattr(artifact, "_write", counting("write", artifact._write))
    monkeypatch.setattr(Path, "rename", counting("rename", Path.rename))
    with pytest.raises(ArtifactError, match=r"out: cannot be written: No space left on device"):
        made.save(folder)
    monkeypatch.undo()
    assert contents(folder) == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_what_a_killed_run_left_behind_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / f".out.new-{os.getpid()}").mkdir()
    assert contents(run(mlp(), weight=INT8).save(tmp_path / "out")).keys() == {CONFIG, MANIFEST, TENSORS}
