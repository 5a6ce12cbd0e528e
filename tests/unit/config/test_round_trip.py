from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from quark_core.config.dump import dump, dumps
from quark_core.config.load import Format, load_config, loads_config
from quark_core.config.models import QuantConfig
from quark_core.errors import UsageError
from tests.unit.config.marked import FORMATS
from tests.unit.config.strategies import valid_configs

AWKWARD = [
    *("yes", "No", "on", "y", "null", "~", "True", "1", "1e3", "0o17", "0x1f", ".inf", "-", "?", "<<", "=", "", " a "),
    *("2024-01-01", "a #b", "'", '"', "\\", "é", "漢字", "😀", "\x07", "\x7f", "\x85", "\u2028", "\ufeff", "x" * 300),
    *("a\tb", "[a]", "{a}", "*a", "&a", "!a", "%a", "@a", "`a", "|", ">", ",", "---", "..."),
]


def _paths(data: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield (*at, key)
        yield from _paths(value, (*at, key))


@settings(max_examples=60, deadline=None)
@given(valid_configs())
def test_dump_then_load_gives_the_same_config(data: dict[str, Any]) -> None:
    config = QuantConfig.model_validate(data)
    for form in FORMATS:
        again = loads_config(dumps(config, form), form)
        assert again == config
        assert again.to_dict() == config.to_dict()
        assert [path for path in _paths(again.to_dict()) if again.place(*path) is None] == []


@pytest.mark.parametrize("form", FORMATS)
def test_strings_that_look_like_something_else_survive(form: Format) -> None:
    names = [name for name in AWKWARD if name]
    config = QuantConfig.model_validate({"exclude": names, "$schema": "x: y"})
    assert loads_config(dumps(config, form), form).exclude == tuple(names)


@pytest.mark.parametrize("form", FORMATS)
def test_only_what_was_said_is_written(form: Format) -> None:
    config = QuantConfig.model_validate({"weight": {"dtype": "int8", "symmetric": True}})
    text = dumps(config, form)
    assert loads_config(text, form).to_dict() == {"weight": {"dtype": "int8", "symmetric": True}}
    assert "qscheme" not in text


@pytest.mark.parametrize("form", FORMATS)
def test_a_config_that_says_nothing_is_still_a_file(form: Format) -> None:
    assert loads_config(dumps(QuantConfig(), form), form) == QuantConfig()


def test_yaml_is_written_as_people_write_it() -> None:
    data = {"weight": {"dtype": "int8"}, "layers": [{"match": ["glob:a.*", "head"], "skip": []}], "exclude": ["no"]}
    assert dumps(QuantConfig.model_validate(data), "yaml") == (
        "weight:\n  dtype: int8\n"
        'layers:\n  - match:\n      - "glob:a.*"\n      - head\n    skip: []\n'
        'exclude:\n  - "no"\n'
    )


@pytest.mark.parametrize("name", ["a.yaml", "a.yml", "a.json", "a.toml"])
def test_files_are_written_whole_and_readable(tmp_path: Path, name: str) -> None:
    config = QuantConfig.model_validate({"exclude": ["é"]})
    path = tmp_path / name
    path.write_text("old")
    path.chmod(0o640)
    dump(config, path)
    assert load_config(path) == config
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown extension '\.txt'"):
        dump(QuantConfig(), tmp_path / "a.txt")
    with pytest.raises(UsageError, match="No such file or directory"):
        dump(QuantConfig(), tmp_path / "no" / "a.json")
    with pytest.raises(UsageError, match="unknown format 'ini'"):
        dumps(QuantConfig(), "ini")
    with pytest.raises(UsageError, match="unknown format 'ini'"):
        loads_config("", "ini")  # type: ignore[arg-type] # that is what is tested
