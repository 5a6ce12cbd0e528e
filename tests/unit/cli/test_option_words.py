"""What an option takes is said in words."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from quark_core.cli.option_words import allowed
from tests.unit.cli.conftest import Quark


class Color(StrEnum):
    red = "red"
    blue = "blue"


class Made(BaseModel):
    share: float = Field(gt=0, le=1.5)
    count: int | None = Field(ge=1)
    kind: Literal["laplace", "gauss"]
    one: Literal["x"]
    color: Color
    names: tuple[str, ...] = Field(max_length=3)
    pair: tuple[int, ...]
    word: str = Field(pattern="a+")
    flag: bool
    whatever: Any


SCHEMA = Made.model_json_schema()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("share", "number > 0 <= 1.5"),
        ("count", "integer >= 1 or null"),
        ("kind", "one of laplace, gauss"),
        ("one", "x"),
        ("color", "one of red, blue"),
        ("names", "list of string (0 to 3 items)"),
        ("pair", "list of integer"),
        ("word", "string matching a+"),
        ("flag", "boolean"),
        ("whatever", "anything"),
    ],
)
def test_words(name: str, words: str) -> None:
    assert allowed(SCHEMA["properties"][name], SCHEMA["$defs"]) == words


def test_show_prints_them(quark: Quark) -> None:
    ran = quark("show", "observer", "percentile")
    assert "number > 50 <= 100" in ran.out
    assert "99.99" in ran.out
    assert "one of auto, avx2, vnni" in quark("show", "device", "CPU").out
