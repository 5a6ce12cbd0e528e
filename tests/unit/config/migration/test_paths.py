from __future__ import annotations

import pytest

from quark_core.config.migration.paths import Wild, pattern

DATA = {"weight": {"dtype": "a"}, "layers": [{"weight": {"dtype": "b"}}, {"match": "x"}, {"weight": {"dtype": "c"}}]}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("weight", [("weight",)]),
        ("weight.dtype", [("weight", "dtype")]),
        ("$schema", []),
        ("layers[*].weight.dtype", [("layers", 0, "weight", "dtype"), ("layers", 2, "weight", "dtype")]),
        ("*.dtype", [("weight", "dtype")]),
        ("layers[*].*.dtype", [("layers", 0, "weight", "dtype"), ("layers", 2, "weight", "dtype")]),
        ("layers[*].match", [("layers", 1, "match")]),
        ("layers[*]", [("layers", 0), ("layers", 1), ("layers", 2)]),
        ("weight[*]", []),
        ("layers.weight", []),
        ("weight.dtype.name", []),
    ],
)
def test_what_a_pattern_finds(text: str, found: list[tuple[str | int, ...]]) -> None:
    assert pattern(text).find(DATA) == found


def test_wildcards_stand_for_the_same_in_another_pattern() -> None:
    old, new = pattern("layers[*].*.dtype"), pattern("layers[*].dtypes.*")
    assert old.wild == new.wild == (Wild.ITEM, Wild.KEY)
    bound = old.bound(("layers", 2, "weight", "dtype"))
    assert bound == (2, "weight")
    assert new.filled(bound) == ("layers", 2, "dtypes", "weight")


def test_lists_of_lists() -> None:
    assert pattern("a[*][*]").find({"a": [[1], [], [2, 3]]}) == [("a", 0, 0), ("a", 2, 0), ("a", 2, 1)]


@pytest.mark.parametrize("text", ["", ".", "a.", "[*]", "a[0]", "a[*", "a*", "a..b", "a[*]b"])
def test_what_is_no_pattern(text: str) -> None:
    with pytest.raises(ValueError, match="is not a pattern: write names with dots"):
        pattern(text)
