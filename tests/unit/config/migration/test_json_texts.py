from __future__ import annotations

import pytest

from quark_core.config.migration.edits import Default, Edit, Move, Remove, Rename, Replace
from tests.unit.config.migration.rewriting import after

CASES: list[tuple[str, str, tuple[Edit, ...]]] = [
    ('{"version": 1}', '{"version": 2}', ()),
    ("{}", '{"version": 2}', ()),
    ('{"a": 1}', '{"version": 2, "a": 1}', ()),
    ('{"a":1,"b":2}', '{"version":2,"a":1,"b":2}', ()),
    ('{\n\t"a" : 1\n}\n', '{\n\t"version" : 2,\n\t"a" : 1\n}\n', ()),
    ('{"version": 1.0, "a": 1, "x": {"a": 2}}', '{"version": 2, "z": 1, "x": {"a": 2}}', (Rename("a", "z"),)),
    ('{"version": 1, "\\u0061": "x"}', '{"version": 2, "é": "y"}', (Rename("a", "é"), Replace("é", {"x": "y"}))),
    (
        '{"version": 1, "a": [1,  {"b": "x"}]}',
        '{"version": 2, "a": [1,  {"b": [true]}]}',
        (Replace("a[*].b", {"x": [True]}),),
    ),
    (
        '{\n  "a": {\n    "b": 1,\n    "c": 2\n  },\n  "version": 1\n}\n',
        '{\n  "a": {\n    "b": 1\n  },\n  "version": 2,\n  "d": {"e": 2}\n}\n',
        (Move("a.c", "d.e"),),
    ),
    ('{"a": {"b": 1}, "version": 1}', '{"a": {}, "version": 2}', (Remove("a.b"),)),
    ('{"a": 1, "version": 1}', '{"version": 2}', (Remove("a"),)),
    (
        '{\n  "version": 1,\n  "a": {\n    "b": 1\n  }\n}\n',
        '{\n  "version": 2,\n  "a": {\n    "b": 1,\n    "z": 0.5\n  }\n}\n',
        (Default("a.z", 0.5),),
    ),
]


@pytest.mark.parametrize(("text", "wanted", "edits"), CASES)
def test_only_what_is_meant_changes(text: str, wanted: str, edits: tuple[Edit, ...]) -> None:
    assert after(text, "json", *edits) == wanted
    assert after(text.replace("\n", "\r\n"), "json", *edits) == wanted.replace("\n", "\r\n")
