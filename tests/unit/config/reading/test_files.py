from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from quark_core.config.load import check_file, load_config
from quark_core.config.reading.limits import SIZE
from quark_core.errors import Problem


def _only(path: Path) -> Problem:
    (problem,) = check_file(path)
    assert problem.place is not None
    assert problem.place.file == str(path)
    return problem


@pytest.mark.parametrize(
    ("name", "data", "code", "message"),
    [
        ("a.yaml", b"", "empty", "the file is empty"),
        ("a.json", b" \n", "empty", "the file is empty"),
        ("a.toml", b"\xef\xbb\xbf", "empty", "the file is empty"),
        ("a.yaml", "device: CPU".encode("utf-16"), "encoding", "the file is UTF-16"),
        ("a.json", b'{"a": "\xe9"}', "encoding", "the file is not UTF-8: byte 0xe9"),
        ("a.toml", b"#" * (SIZE + 1), "limit", "larger than 1,048,576 bytes"),
        ("a.ini", b"x", "extension", "extension '.ini' does not say .* known are .yaml, .yml, .json, .toml"),
        ("a", b"x", "extension", "a name without extension"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, data: bytes, code: str, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    problem = _only(path)
    assert problem.code == code
    assert re.search(message, problem.message)


def test_bytes_that_are_not_utf8_are_marked(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("é: 1\nä: ".encode() + b"\xff\n")
    place = _only(path).place
    assert place is not None
    assert (place.line, place.column) == (2, 4)


def test_what_is_not_a_file(tmp_path: Path) -> None:
    (tmp_path / "int8.yaml").write_text("device: CPU")
    assert _only(tmp_path).message == "this is a directory, not a config file"
    missing = _only(tmp_path / "itn8.yaml")
    assert missing.message == "there is no such file"
    assert "int8.yaml" in missing.fix
    assert "no directory" in _only(tmp_path / "no" / "a.yaml").fix
    os.mkfifo(tmp_path / "pipe.yaml")
    assert _only(tmp_path / "pipe.yaml").message == "this is not a regular file"
    for name in ("a\0b.yaml", "x" * 5000 + ".yaml"):
        assert _only(tmp_path / name).code == "unreadable"


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("device: CPU")

    def denied(*_args: object, **_kwargs: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    # chmod would not do: root may read everything.
    monkeypatch.setattr(Path, "open", denied)
    assert "Permission denied" in _only(path).message


@pytest.mark.parametrize(
    ("name", "text"), [("a.yaml", "device: CPU"), ("a.JSON", '{"device": "CPU"}'), ("a.toml", 'device = "CPU"')]
)
def test_a_byte_order_mark_and_capitals_do_no_harm(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    config = load_config(str(path))
    place = config.place("device")
    assert config.device == "CPU"
    assert place is not None
    assert (place.line, place.column) == (1, 2 if "JSON" in name else 1)
