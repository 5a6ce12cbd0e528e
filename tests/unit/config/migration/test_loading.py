"""What happens to a config of another version when it is loaded, from a file and from a saved folder."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch

from quark_core.config.load import Format, check_file, load_config, loads_config
from quark_core.engine.artifact import CONFIG, MANIFEST
from quark_core.engine.loading import load
from quark_core.errors import ArtifactError, ConfigError, Place, Problem
from tests.unit.config.marked import FORMATS, problems_of
from tests.unit.engine.sample_nets import mlp, run

TEXTS: dict[Format, str] = {
    "yaml": "# old\nversion: {}\nweigth: 1\n",
    "json": '{{"weigth": 1,\n"version": {}}}',
    "toml": "weigth = 1\nversion = {}\n",
}


@pytest.mark.usefixtures("past")
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("version", ["0", "-1", "0.0"])
def test_an_older_version_is_the_only_problem(form: Format, version: str) -> None:
    text = TEXTS[form].format(version)
    (problem,) = problems_of(text, form)
    line = text.split("\n")[1]
    assert problem == Problem(
        f"this is version {int(float(version))} of the config format; this Quark Core reads version 1",
        "save it as a file, then run: quark migrate FILE",
        ("version",),
        Place("<string>", 2, line.index(version) + 1, len(version), line),
        "old_version",
    )


@pytest.mark.usefixtures("past")
def test_a_file_is_named_as_the_shell_takes_it(tmp_path: Path) -> None:
    path = tmp_path / "my config.yaml"
    path.write_text("version: 0\n", encoding="utf-8")
    (problem,) = check_file(path)
    assert problem.fix == f"run: quark migrate '{path}'"
    with pytest.raises(ConfigError, match="this is version 0 of the config format"):
        load_config(path)


@pytest.mark.usefixtures("past")
def test_what_cannot_be_read_at_all_is_still_said() -> None:
    assert [p.code for p in problems_of("version: 0\na: 1\na: 2\n", "yaml")] == ["old_version", "duplicate_key"]


def test_a_config_without_version_is_old_once_there_is_a_second_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from quark_core.config.migration import steps

    monkeypatch.setattr(steps, "SHIPPED", steps.History((steps.Step(1, ()),), 2))
    (problem,) = problems_of("weight: {dtype: int8}\n", "yaml")
    assert problem.message == (
        "without a version this is version 1 of the config format; this Quark Core reads version 2"
    )
    assert problem.place == Place("<string>", 1, 1, 1, "weight: {dtype: int8}")


@pytest.mark.parametrize("form", FORMATS)
def test_a_newer_version_is_said_beside_the_other_faults(form: Format) -> None:
    found = {p.code: p for p in problems_of(TEXTS[form].format(2), form)}
    assert set(found) == {"new_version", "unknown_field"}
    newer = found["new_version"]
    assert newer.message == "was written for a newer Quark Core (version 2; this one knows 1)"
    assert (newer.fix, newer.place and newer.place.line) == ("update quark-core", 2)


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("0", "expected 1, found 0 (a whole number)"),
        ("-1", "expected 1, found -1 (a whole number)"),
        ("'1'", "expected 1, found '1' (a string)"),
        ("true", "expected 1, found true (a boolean)"),
        ("null", "expected 1, found nothing (null)"),
        ("1.5", "expected 1, found 1.5 (a number)"),
        ("[1]", "expected 1, found a list"),
        ("1e300", "was written for a newer Quark Core (version a number out of all bounds; this one knows 1)"),
    ],
)
def test_what_is_no_version(version: str, said: str) -> None:
    assert [p.message for p in problems_of(f"version: {version}\n", "yaml")] == [said]


def test_the_version_may_be_written_as_any_number() -> None:
    assert loads_config("version: 1.0\n", "yaml").version == 1


def _resave(folder: Path, change: dict[str, Any], drop: str = "") -> None:
    saved = json.loads((folder / CONFIG).read_text(encoding="utf-8")) | change
    saved.pop(drop, None)
    data = json.dumps(saved).encode()
    (folder / CONFIG).write_bytes(data)
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    manifest["sha256"][CONFIG] = sha256(data).hexdigest()
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows: Any = {"dtype": "int8", "qscheme": "per_channel"}
    return run(mlp(), torch.ones(2, 6), weight=rows, calibration={"batches": 3}).save(tmp_path / "out")


@pytest.mark.usefixtures("past")
def test_a_saved_folder_of_an_older_version_still_loads(folder: Path) -> None:
    x = torch.linspace(-1, 1, 12).reshape(2, 6)
    wanted = load(folder, mlp())(x)
    _resave(folder, {"version": -1, "weight": {"format": "int8", "qscheme": "rows"}, "batches": 3}, "calibration")
    held = (folder / CONFIG).read_bytes()
    assert torch.equal(load(folder, mlp())(x), wanted)
    assert (folder / CONFIG).read_bytes() == held


def test_a_saved_folder_of_a_newer_version_says_so(folder: Path) -> None:
    _resave(folder, {"version": 2, "weigth": {}})
    with pytest.raises(ArtifactError, match=r"was written for a newer Quark Core .version 2; this one knows 1"):
        load(folder, mlp())


def test_the_version_is_saved(folder: Path) -> None:
    assert json.loads((folder / CONFIG).read_text(encoding="utf-8"))["version"] == 1
