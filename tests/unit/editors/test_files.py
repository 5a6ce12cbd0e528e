"""Files of the user are replaced whole or not at all; globs that every editor reads alike."""

import fnmatch
import os
from pathlib import Path

import pytest

from quark_core.editors.files import newline, write, write_all
from quark_core.editors.globs import DEFAULT, checked, of_format
from quark_core.errors import UsageError


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    assert write_all({path: b"1"}) == [f"wrote {path}"]
    before = path.stat().st_ino
    assert write_all({path: b"1"}) == [f"{path}: nothing to change"]
    assert path.stat().st_ino == before
    assert write_all({path: b"2"}) == [f"wrote {path}"]
    assert path.read_bytes() == b"2"
    assert [entry.name for entry in path.parent.iterdir()] == ["b"]


def test_modes_and_links_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"1")
    real.chmod(0o640)
    link.symlink_to(real)
    assert write(link, b"2") is True
    assert (link.is_symlink(), real.read_bytes(), real.stat().st_mode & 0o777) == (True, b"2", 0o640)
    old = os.umask(0o027)
    try:
        write(tmp_path / "new", b"")
    finally:
        os.umask(old)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "a").write_bytes(b"old")
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UsageError, match="a: cannot be written: No space left on device"):
        write(tmp_path / "a", b"new")
    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == {"a": b"old"}


def test_a_file_where_a_folder_is_due(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(UsageError, match=r"a/b: cannot be written"):
        write(tmp_path / "a" / "b", b"")


@pytest.mark.parametrize(("text", "end"), [("", "\n"), ("a\r\nb\n", "\r\n"), ("a\nb\r\n", "\n"), ("a\rb", "\r")])
def test_line_ends(text: str, end: str) -> None:
    assert newline(text) == end


def test_which_names_are_configs() -> None:
    names = ("quark.yaml", "int8.quark.yml", "quark.json", "a.b.quark.toml")
    others = ("quark.schema.json", "myquark.yaml", "quark.py", "quark.yaml.bak", "config.yaml")
    taken = [n for n in (*names, *others) if any(fnmatch.fnmatchcase(f"x/{n}", glob) for glob in DEFAULT)]
    assert taken == list(names)


def test_globs_match_anywhere_and_have_a_format() -> None:
    assert checked(["a/*.yaml", "**/b.toml", "a/*.yaml", "c.YML"]) == ("**/a/*.yaml", "**/b.toml", "**/c.YML")
    assert of_format(("**/a.yaml", "**/b.toml", "**/c.YML"), "yaml") == ["**/a.yaml", "**/c.YML"]


@pytest.mark.parametrize(
    ("glob", "said"),
    [
        ("a", "must end in one of .yaml, .yml, .json, .toml"),
        ("a.*", "must end in one of"),
        ("", "must end in one of"),
        ("a\\b.yaml", "editors disagree about \\"),
        ("{a,b}.yaml", "editors disagree about , { }"),
        ("!a.yaml", "editors disagree about !"),
        ("/a.yaml", "a glob matches in any folder"),
        ("../a.yaml", "a glob matches in any folder"),
    ],
)
def test_globs_that_are_refused(glob: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        checked([glob])
    assert str(refused.value).startswith(f"--glob {glob!r}: ")
    assert said in str(refused.value)
