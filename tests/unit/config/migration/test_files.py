from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from quark_core.config.migration.edits import Rename
from quark_core.config.migration.files import migration
from quark_core.config.migration.steps import History, Step
from quark_core.errors import ConfigError, UsageError

HISTORY = History((Step(1, (Rename("a", "z"),)),), 2)
TEXTS = [
    ("x.yaml", b"a: 1 # c\n", b"version: 2\nz: 1 # c\n"),
    ("x.yml", b"\xef\xbb\xbfa: 1\r\nb: \xc3\xa9\r\n", b"\xef\xbb\xbfversion: 2\r\nz: 1\r\nb: \xc3\xa9\r\n"),
    ("x.toml", b"\xef\xbb\xbf# t\r\n\r\na = 1", b"\xef\xbb\xbf# t\r\n\r\nversion = 2\r\nz = 1"),
    ("x.json", b'\xef\xbb\xbf{"a": "\xf0\x9f\x98\x80"}', b'\xef\xbb\xbf{"version": 2, "z": "\xf0\x9f\x98\x80"}'),
]


@pytest.mark.parametrize(("name", "before", "after"), TEXTS)
def test_files_change_in_place(tmp_path: Path, name: str, before: bytes, after: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(before)
    path.chmod(0o640)
    found = migration(path, HISTORY)
    assert (found.changes, path.read_bytes()) == (True, before)
    found.write()
    assert path.read_bytes() == after
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    again = migration(path, HISTORY)
    assert (again.changes, again.diff(), again.text.version) == (False, "", 2)


@pytest.mark.parametrize(("name", "before", "after"), TEXTS)
def test_the_diff_is_a_patch(tmp_path: Path, name: str, before: bytes, after: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(before)
    text = migration(path, HISTORY).diff()
    # A byte order mark is no part of the text, so it stands aside while another tool makes the change.
    mark = b"\xef\xbb\xbf"
    path.write_bytes(before.removeprefix(mark))
    subprocess.run(
        ["git", "apply", "-p0", "--unsafe-paths", f"--directory={tmp_path}", "-"],
        input=text.replace(str(path), name).encode(),
        cwd=tmp_path,
        check=True,
    )
    assert path.read_bytes() == after.removeprefix(mark)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target.yaml", tmp_path / "link.yaml"
    target.write_bytes(b"a: 1\n")
    link.symlink_to(target.name)
    migration(link, HISTORY).write()
    assert (link.is_symlink(), target.read_bytes()) == (True, b"version: 2\nz: 1\n")


def test_a_file_is_whole_or_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a: 1\n")
    found = migration(path, HISTORY)

    def fail(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(UsageError, match=f"{path}: cannot be written: No space left on device"):
        found.write()
    assert path.read_bytes() == b"a: 1\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.yaml"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.yaml", "version: 3\n", "1:10: version: was written for a newer Quark Core (version 3; this one knows 2)"),
        ("a.yaml", "version: 0\n", "1:10: version: expected 1 to 2, found 0 (a whole number)"),
        ("a.json", '{"version": true}', "1:13: version: expected 1 to 2, found true (a boolean)"),
        ("a.toml", "version = '1'\n", "1:11: version: expected 1 to 2, found '1' (a string)"),
        ("a.yaml", "a: 1\na: 2\n", "2:1: a: 'a' is given twice, here and at 1:1"),
        ("a.yaml", "- a\n", "1:1: expected an object, found a list"),
        ("a.yaml", "# c\n", "1:1: the file holds nothing but comments"),
        ("a.json", "{", "1:2: not JSON: expecting property name enclosed in double quotes"),
        ("a.txt", "a: 1\n", "1:1: extension '.txt' does not say which format the file is in"),
        ("a.yaml", "a: 1\nz: 2\n", "1:1: a: cannot become z, which is there already"),
    ],
)
def test_what_cannot_be_migrated_is_said_and_left_alone(tmp_path: Path, name: str, text: str, said: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        migration(path, HISTORY)
    assert str(caught.value).startswith(f"{path}:{said}")
    assert path.read_text(encoding="utf-8") == text


def test_today_there_is_one_version(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("version: 2\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="this one knows 1"):
        migration(path)
    path.write_text("version: 0\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="expected 1, found 0"):
        migration(path)
