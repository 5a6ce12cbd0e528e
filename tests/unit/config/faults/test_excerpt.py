"""How a problem shows its source line."""

from __future__ import annotations

import pytest

from quark_core.errors import Place, Problem


@pytest.mark.parametrize(
    ("source", "column", "length", "lines"),
    [
        ("a: b", 4, 1, ["   7 | a: b", "     |    ^"]),
        ("\ta: bc", 5, 2, ["   7 | \ta: bc", "     | \t   ^^"]),
        ("漢字: x漢", 5, 2, ["   7 | 漢字: x漢", "     |       ^^^"]),
        ("a\x1b[1m: b", 8, 1, ["   7 | a\ufffd[1m: b", "     |        ^"]),
        ("a:", 3, 1, ["   7 | a:", "     |   ^"]),
        (
            "a" * 200 + "b" + "c" * 200,
            201,
            1,
            ["   7 | …" + "a" * 60 + "b" + "c" * 59 + "…", "     | " + " " * 61 + "^"],
        ),
        ("b" + "c" * 200, 1, 300, ["   7 | b" + "c" * 119 + "…", "     | " + "^" * 120]),
        ("a" * 200, 200, 1, ["   7 | …" + "a" * 120, "     | " + " " * 120 + "^"]),
    ],
)
def test_line_and_caret(source: str, column: int, length: int, lines: list[str]) -> None:
    problem = Problem("wrong", place=Place("f", 7, column, length, source))
    assert str(problem).splitlines() == [f"f:7:{column}: wrong", *lines]


def test_without_place_and_with_fix() -> None:
    assert str(Problem("wrong", "mend it", ("layers", 0, "weight"))) == "layers[0].weight: wrong\n     fix: mend it"
    assert "\x1b" not in str(Problem("\x1b[1m", "\x1b[1m", ("\x1b[1m",)))
