"""``quark schema --install``: what is written for editors, and which command lines are refused."""

import json
import os
from pathlib import Path

import pytest

from quark_core.config.load import check_file
from quark_core.config.schema import published_text, schema_text
from quark_core.registry import installed
from tests.unit.cli.conftest import Quark
from tests.unit.editors.mappings import elements


@pytest.mark.parametrize(
    ("editor", "schema", "other"),
    [
        ("vscode", ".vscode/quark.schema.json", ".vscode/settings.json"),
        ("jetbrains", ".idea/quark.schema.json", ".idea/jsonSchemas.xml"),
    ],
)
def test_a_project_here_and_elsewhere(quark: Quark, work: Path, editor: str, schema: str, other: str) -> None:
    ran = quark("schema", "--install", editor)
    assert (ran.code, ran.out, ran.err) == (0, f"wrote {schema}\nwrote {other}\n", "")
    assert (work / schema).read_text(encoding="utf-8") == schema_text(installed())
    first = (work / other).read_bytes()
    ran = quark("schema", "--install", editor)
    assert (ran.code, ran.out) == (0, f"{schema}: nothing to change\n{other}: nothing to change\n")
    assert (work / other).read_bytes() == first
    (work / "a").mkdir()
    (work / "b").mkdir()
    ran = quark("schema", "--install", editor, "--published", "a", "b")
    assert ran.out == "".join(f"wrote {folder}/{name}\n" for folder in "ab" for name in (schema, other))
    assert (work / "b" / schema).read_text(encoding="utf-8") == published_text()
    assert (work / "b" / other).read_bytes() == first


def test_globs_are_chosen(quark: Quark, work: Path) -> None:
    quark("schema", "--install", "vscode", "--glob", "configs/*.yaml", "--glob", "**/q.yml")
    said = json.loads((work / ".vscode" / "settings.json").read_text(encoding="utf-8"))
    assert said == {"yaml.schemas": {"./.vscode/quark.schema.json": ["**/configs/*.yaml", "**/q.yml"]}}
    quark("schema", "--install", "jetbrains", "--glob", "configs/*.yaml")
    options = elements((work / ".idea" / "jsonSchemas.xml").read_bytes(), "option")
    assert [o.getAttribute("value") for o in options if o.getAttribute("name") == "path"] == ["configs/*.yaml"]


def test_broken_settings_leave_everything_as_it_was(quark: Quark, work: Path) -> None:
    (work / ".vscode").mkdir()
    settings = work / ".vscode" / "settings.json"
    settings.write_bytes(b'{\n  "a" 1\n}\n')
    ran = quark("schema", "--install", "vscode")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("error: .vscode/settings.json:2:7: not JSON: expecting ':' delimiter\n")
    assert settings.read_bytes() == b'{\n  "a" 1\n}\n'
    assert [entry.name for entry in settings.parent.iterdir()] == ["settings.json"]


def test_config_files_name_the_schema_beside_them(quark: Quark, work: Path) -> None:
    (work / "c.json").write_text('{"version": 1}', encoding="utf-8")
    ran = quark("schema", "--install", "modeline", "int8.yaml", "c.json")
    assert (ran.code, ran.out, ran.err) == (0, "wrote quark.schema.json\nwrote int8.yaml\nwrote c.json\n", "")
    assert (work / "int8.yaml").read_text(encoding="utf-8").splitlines() == [
        "# yaml-language-server: $schema=./quark.schema.json",
        "weight: {dtype: int8}",
        "input: {dtype: int8}",
    ]
    assert (work / "c.json").read_text(encoding="utf-8") == '{"$schema": "./quark.schema.json", "version": 1}'
    assert (work / "quark.schema.json").read_text(encoding="utf-8") == schema_text(installed())
    assert check_file(work / "int8.yaml") == check_file(work / "c.json") == ()
    ran = quark("schema", "--install", "modeline", "int8.yaml", "--out", "schemas/s.json", "--published")
    assert (ran.code, ran.out) == (0, "wrote schemas/s.json\nwrote int8.yaml\n")
    assert (
        (work / "int8.yaml")
        .read_text(encoding="utf-8")
        .startswith("# yaml-language-server: $schema=./schemas/s.json\n")
    )
    assert (work / "schemas" / "s.json").read_text(encoding="utf-8") == published_text()


def test_one_bad_file_keeps_the_others_as_they_were(quark: Quark, work: Path) -> None:
    before = (work / "int8.yaml").read_bytes()
    ran = quark("schema", "--install", "modeline", "int8.yaml", "nowhere.toml")
    assert (ran.code, ran.err) == (1, "error: nowhere.toml: cannot be read: No such file or directory\n")
    assert (work / "int8.yaml").read_bytes() == before
    assert not (work / "quark.schema.json").exists()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("int8.yaml",), "int8.yaml: a path needs --install; to write the schema to a file, use --out"),
        (("--install", "modeline"), "--install modeline: name the config files that it is for"),
        (("--install", "modeline", "some_nets.py"), "some_nets.py: unknown extension '.py'; known are"),
        (("--install", "modeline", "int8.yaml", "--glob", "a.yaml"), "--glob is for --install vscode and"),
        (("--glob", "a.yaml"), "--glob is for --install vscode and"),
        (("--install", "vscode", "--out", "a.json"), "--out: --install vscode has a place of its own"),
        (("--install", "vscode", "int8.yaml"), "int8.yaml: is not a folder; name the project's folder"),
        (("--install", "jetbrains", "nowhere"), "nowhere: is not a folder"),
        (("--install", "vscode", "--glob", "configs/*"), "--glob 'configs/*': must end in one of"),
    ],
)
def test_mistakes_are_explained(quark: Quark, args: tuple[str, ...], said: str) -> None:
    ran = quark("schema", *args)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"error: {said}")


def test_an_unknown_editor_is_a_wrong_command_line(quark: Quark) -> None:
    ran = quark("schema", "--install", "emacs")
    assert ran.code == 2
    assert "'emacs' is not one of 'vscode', 'jetbrains', 'modeline'" in ran.err


def test_a_place_that_cannot_be_written(quark: Quark, work: Path) -> None:
    (work / ".vscode").write_bytes(b"a file")
    ran = quark("schema", "--install", "vscode")
    assert (ran.code, ran.err) == (1, "error: .vscode/quark.schema.json: cannot be written: File exists\n")
    if os.geteuid():  # root may write anywhere
        (work / "locked").mkdir(mode=0o500)
        ran = quark("schema", "--install", "jetbrains", "locked")
        assert (ran.code, ran.err) == (
            1,
            "error: locked/.idea/quark.schema.json: cannot be written: Permission denied\n",
        )
