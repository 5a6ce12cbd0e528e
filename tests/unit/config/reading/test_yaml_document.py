from __future__ import annotations

import math
from typing import Any

import pytest

from quark_core.config.reading.formats import read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, word) for word in ("yes", "No", "on", "off", "y", "1_000", "0b1", "1:30", "2024-01-01", "=", "<<")),
        *(
            ("1e-4", 1e-4),
            ("1.", 1.0),
            (".5", 0.5),
            ("+1", 1),
            ("012", 12),
            ("0o17", 15),
            ("0x1F", 31),
            ("-.inf", -math.inf),
        ),
        *(("true", True), ("True", True), ("FALSE", False), ("~", None), ("null", None), ("''", ""), ("'1'", "1")),
        *(
            ("!!str 1", "1"),
            ("!!float 1", 1.0),
            ("!!int '1'", 1),
            ("! 1", "1"),
            ("!!null ''", None),
            ("!!bool true", True),
        ),
        *(
            ("!!seq [1]", [1]),
            ("!!map {a: 1}", {"a": 1}),
            ("|\n  a\n  b\n", "a\nb\n"),
            (">\n  a\n  b\n", "a b\n"),
            ("a\n  b", "a b"),
        ),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(text: str, value: Any) -> None:
    document = read(f"k: {text}", "yaml", "x")
    assert document.problems == []
    assert document.value == {"k": value}
    assert type(document.value["k"]) is type(value)


def test_anchors_aliases_and_merges() -> None:
    text = "a: &a {x: 1, y: 2}\nb: &b {<<: *a, y: 3}\nc: {z: 4, <<: [*b, {x: 9, w: 5}]}\nd: [*a, *a]\n"
    document = read(text, "yaml", "x")
    assert document.problems == []
    assert document.value == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 3},
        "c": {"x": 1, "y": 3, "z": 4, "w": 5},
        "d": [{"x": 1, "y": 2}, {"x": 1, "y": 2}],
    }
    assert (document.at(("d", 1)).line, document.at(("d", 1)).column) == (4, 9)
    assert (document.key(("c", "x")).line, document.key(("c", "x")).column) == (1, 8)


def test_every_duplicate_key_is_reported() -> None:
    document = read("a: 1\na: 2\nb: {c: 1, 'c': 2}\na: 3\n", "yaml", "x")
    assert [(p.path, p.place and p.place.line) for p in document.problems] == [
        (("a",), 2),
        (("b", "c"), 3),
        (("a",), 4),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_counts_once(end: str) -> None:
    document = read(f"# é\u2028{end}a: 1{end}{end}b: x{end}", "yaml", "x")
    assert (document.at(("b",)).line, document.at(("b",)).column, document.at(("b",)).source) == (4, 4, "b: x")
