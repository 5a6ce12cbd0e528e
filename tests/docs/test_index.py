"""The first page does what it says: its config, its commands and its snippet, in an empty folder."""

import shlex
from pathlib import Path

import pytest

from quark_core.cli.app import app
from tests.docs.pages import DOCS, commands, write_files

PAGE = DOCS / "index.md"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert write_files(PAGE, tmp_path) == ["int8.yaml"]
    return tmp_path


def test_its_commands_quantize_a_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = [command for command in commands(PAGE) if command.startswith("quark ")]
    assert [command.split()[1] for command in typed] == ["validate", "plan", "quantize"]
    for command in typed:
        assert not app.main(shlex.split(command)[1:], prog_name="quark", standalone_mode=False), command
    report = capsys.readouterr().out
    for said in (
        "int8.yaml: ok",
        "int8 per_channel",
        "percentile",
        "input (int8.yaml:4)",
        "coverage: layers 5/5",
        "dB",
    ):
        assert said in report
    saved = {path.name for path in (folder / "quantized").iterdir()}
    assert saved == {"config.json", "manifest.json", "model.safetensors"}


def test_the_first_command_installs() -> None:
    assert next(commands(PAGE)) == "pip install ."
