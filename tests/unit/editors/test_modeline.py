"""The line that names a file's schema: where it goes, what it replaces, what stays."""

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from quark_core.config.load import check_file
from quark_core.editors.modeline import modeline_files, schema_reference, with_modeline
from quark_core.errors import UsageError

Y = "# yaml-language-server: $schema=./s.json"
T = "#:schema ./s.json"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version: 1\n", f"{Y}\nversion: 1\n"),
        ("version: 1\r\n# end", f"{Y}\r\nversion: 1\r\n# end"),
        ("version: 1", f"{Y}\nversion: 1"),
        ("", f"{Y}\n"),
        ("# about\nversion: 1\n", f"{Y}\n# about\nversion: 1\n"),
        ("%YAML 1.2\n---\nversion: 1\n", f"{Y}\n%YAML 1.2\n---\nversion: 1\n"),
        ("#!/usr/bin/env quark\nversion: 1\n", f"#!/usr/bin/env quark\n{Y}\nversion: 1\n"),
        ("#!quark", f"#!quark\n{Y}\n"),
        ("# yaml-language-server: $schema=old.json\nversion: 1\n", f"{Y}\nversion: 1\n"),
        ("# yaml-language-server: $schema=../a/b.json # why\r\nversion: 1\r\n", f"{Y} # why\r\nversion: 1\r\n"),
        ("%YAML 1.2\n---\n\n# yaml-language-server: $schema=o\nversion: 1\n", f"%YAML 1.2\n---\n\n{Y}\nversion: 1\n"),
        ("# $schema: old.json\nversion: 1\n", "# $schema: ./s.json\nversion: 1\n"),
        # Behind the first key it is no longer in the head: this may be text in a value.
        ("a: |\n  # yaml-language-server: $schema=o\n", f"{Y}\na: |\n  # yaml-language-server: $schema=o\n"),
        # Editors want a blank behind the #.
        ("#yaml-language-server: $schema=o\n", f"{Y}\n#yaml-language-server: $schema=o\n"),
    ],
)
def test_yaml(old: str, new: str) -> None:
    assert with_modeline(old, "yaml", "./s.json", "a.yaml") == new
    assert with_modeline(new, "yaml", "./s.json", "a.yaml") == new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version = 1\n", f"{T}\nversion = 1\n"),
        ("# about\r\nversion = 1\r\n", f"{T}\r\n# about\r\nversion = 1\r\n"),
        ("# about\n\n#:schema https://old/s.json\nversion = 1\n", f"# about\n\n{T}\nversion = 1\n"),
        ('a = """\n#:schema old\n"""\n', f'{T}\na = """\n#:schema old\n"""\n'),
    ],
)
def test_toml(old: str, new: str) -> None:
    assert with_modeline(old, "toml", "./s.json", "a.toml") == new
    assert with_modeline(new, "toml", "./s.json", "a.toml") == new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('{"version": 1}', '{"$schema": "./s.json", "version": 1}'),
        ('{\r\n\t"version": 1\r\n}\r\n', '{\r\n\t"$schema": "./s.json",\r\n\t"version": 1\r\n}\r\n'),
        ('{ "version": 1,\n  "device": "CPU" }', '{ "$schema": "./s.json", "version": 1,\n  "device": "CPU" }'),
        ('{\n  "version": 1,\n  "$schema": "o"\n}', '{\n  "version": 1,\n  "$schema": "./s.json"\n}'),
        ('{"$schema":"o","version":1}', '{"$schema":"./s.json","version":1}'),
        ("{}", '{\n    "$schema": "./s.json"\n}'),
    ],
)
def test_json(old: str, new: str) -> None:
    assert with_modeline(old, "json", "./s.json", "a.json") == new
    assert with_modeline(new, "json", "./s.json", "a.json") == new


@pytest.mark.parametrize(
    ("text", "said"), [('{"a": 1', "a.json:1:8: not JSON"), ("[1]", "a.json:1:1: the file must be")]
)
def test_broken_json_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        with_modeline(text, "json", "./s.json", "a.json")
    assert str(refused.value).startswith(said)


def test_files_and_schemas(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    yaml, toml, jsn = tmp_path / "a.yaml", tmp_path / "deep" / "b.TOML", tmp_path / "c.json"
    yaml.write_bytes("\ufeffversion: 1 # ä\r\n".encode())
    toml.write_bytes(b"version = 1\n")
    jsn.write_bytes(b'{"version": 1}')
    files = modeline_files([yaml, toml, jsn], "schema", None)
    assert files == {
        tmp_path / "quark.schema.json": b"schema",
        tmp_path / "deep" / "quark.schema.json": b"schema",
        yaml: "\ufeff# yaml-language-server: $schema=./quark.schema.json\r\nversion: 1 # ä\r\n".encode(),
        toml: b"#:schema ./quark.schema.json\nversion = 1\n",
        jsn: b'{"$schema": "./quark.schema.json", "version": 1}',
    }
    for path, data in files.items():
        path.write_bytes(data)
    assert [check_file(path) for path in (yaml, toml, jsn)] == [(), (), ()]
    elsewhere = modeline_files([toml], "schema", tmp_path / "other" / "s.json")
    assert elsewhere == {tmp_path / "other" / "s.json": b"schema", toml: b"#:schema ../other/s.json\nversion = 1\n"}


def test_a_comment_may_stand_before_yaml_directives(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(with_modeline("%YAML 1.2\n---\nversion: 1\n", "yaml", "./s.json", "a.yaml"), encoding="utf-8")
    assert YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")) == {"version": 1}
    assert check_file(path) == ()


def test_blanks_in_the_schemas_path(tmp_path: Path) -> None:
    schema = tmp_path / "my schemas" / "s#.json"
    assert schema_reference(tmp_path / "a.toml", schema, "toml") == "./my%20schemas/s%23.json"
    assert json.loads(with_modeline("{}", "json", schema_reference(tmp_path / "a.json", schema, "json"), "a.json")) == {
        "$schema": "./my%20schemas/s%23.json"
    }
    with pytest.raises(UsageError, match=r"a YAML modeline cannot name './my schemas/s#\.json'"):
        schema_reference(tmp_path / "a.yaml", schema, "yaml")


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.ini", b"", "a.ini: unknown extension '.ini'; known are .yaml, .yml, .json, .toml"),
        ("a.yaml", b"a: \xff\n", "a.yaml: is not UTF-8 (byte 3), and was left as it is; save it as UTF-8"),
        ("a.yaml", None, "a.yaml: cannot be read: No such file or directory"),
    ],
)
def test_files_that_cannot_have_one(tmp_path: Path, name: str, data: bytes | None, said: str) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError) as refused:
        modeline_files([tmp_path / name], "schema", None)
    assert str(refused.value) == f"{tmp_path}/{said}"
