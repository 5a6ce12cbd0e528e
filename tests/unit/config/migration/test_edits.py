"""What edits make of plain data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from quark_core.config.migration.data import migrated
from quark_core.config.migration.edits import Default, Edit, Move, Remove, Rename, Replace
from quark_core.config.migration.steps import History, Step
from quark_core.errors import ConfigError

Data = dict[str, Any]


def edited(data: Data, *edits: Edit) -> Data:
    found = migrated(data, History((Step(1, edits),), 2))
    assert found.pop("version") == 2
    return found


def test_rename_keeps_the_order() -> None:
    found = edited({"a": 1, "b": {"x": 1}, "c": 3}, Rename("b", "z"), Rename("z.x", "y"))
    assert list(found.items()) == [("a", 1), ("z", {"y": 1}), ("c", 3)]


@pytest.mark.parametrize(
    ("values", "old", "new"),
    [
        ({"a": "b", "b": "a"}, "a", "b"),
        ({"a": "b"}, "c", "c"),
        ({1: 2}, 1.0, 2),
        ({1: 2}, True, True),
        ({True: "yes"}, 1, 1),
        ({True: "yes"}, True, "yes"),
        ({"a": "b"}, {"name": "a"}, {"name": "a"}),
        (lambda value: [value], "a", ["a"]),
        (lambda value: value.update(b=1) or value, {"a": 0}, {"a": 0, "b": 1}),
    ],
)
def test_replace(values: dict[Any, Any] | Callable[[Any], Any], old: Any, new: Any) -> None:
    data = {"x": old}
    found = edited(data, Replace("x", values))
    assert (repr(found), repr(data)) == (repr({"x": new}), repr({"x": old}))


def test_remove_leaves_an_empty_object() -> None:
    data = {"a": {"b": 1}, "c": {"d": 1, "e": 2}, "f": [{"g": 1}, {"h": 1}]}
    assert edited(data, Remove("a.b"), Remove("c.*"), Remove("f[*].g")) == {"a": {}, "c": {}, "f": [{}, {"h": 1}]}


def test_move_makes_what_is_around() -> None:
    data = {"a": {"b": 1}, "l": [{"a": {"x": 1}}, {"a": {"y": 2}, "o": {}}]}
    assert edited(data, Move("a.b", "c.d.e"), Move("l[*].a.*", "l[*].o.*")) == {
        "a": {},
        "c": {"d": {"e": 1}},
        "l": [{"a": {}, "o": {"x": 1}}, {"a": {}, "o": {"y": 2}}],
    }


def test_move_into_what_it_comes_from() -> None:
    assert edited({"a": {"b": 1}}, Move("a.b", "a.b.c")) == {"a": {"b": {"c": 1}}}


def test_defaults_are_written_into_objects_that_are_there() -> None:
    data: Data = {"a": {}, "l": [{}, {"x": 1}, "no object"]}
    assert edited(data, Default("a.x", 0), Default("b.x", 0), Default("l[*].x", [])) == {
        "a": {"x": 0},
        "l": [{"x": []}, {"x": 1}, "no object"],
    }
    assert edited({}, Default("b", {}), Default("b.x", 0)) == {"b": {"x": 0}}


@pytest.mark.parametrize(
    ("data", "edit", "path", "said"),
    [
        ({"a": 1, "b": 2}, Rename("a", "b"), ("a",), "cannot become b, which is there already"),
        ({"a": 1, "b": {"c": 2}}, Move("a", "b.c"), ("a",), "cannot become b.c, which is there already"),
        ({"a": 1, "b": 2}, Move("a", "b.c"), ("a",), "cannot be moved to b.c: there is no object around it"),
        ({"a": 1, "b": []}, Move("a", "b.c"), ("a",), "cannot be moved to b.c: there is no object around it"),
    ],
)
def test_what_is_in_the_way_is_named(data: Data, edit: Edit, path: tuple[str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        edited(data, edit)
    (problem,) = caught.value.problems
    assert (problem.path, problem.message, problem.code) == (path, said, "migration")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Rename("a[*]", "b"), "should end in the name of a key"),
        (lambda: Rename("a.*", "b"), "should end in the name of a key"),
        (lambda: Rename("a", "a"), "'a' is not a new name for 'a'"),
        (lambda: Remove("a[*]"), "should end in a key, not in an item of a list"),
        (lambda: Move("a[*]", "b"), "should end in a key, not in an item of a list"),
        (lambda: Move("a[*].x", "b.*"), "should have the same wildcards as 'a\\[\\*\\].x', in the same order"),
        (lambda: Move("a", "a"), "'a' is not a new place"),
        (lambda: Default("a[*]", 1), "should end in the name of a key"),
        (lambda: Replace("a[", {}), "is not a pattern"),
    ],
)
def test_edits_that_mean_nothing(make: Callable[[], Edit], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()


def test_nothing_becomes_none_which_toml_cannot_say() -> None:
    with pytest.raises(TypeError, match="None cannot be written in TOML"):
        Default("a", None)
    with pytest.raises(TypeError, match="None cannot be written in TOML"):
        edited({"a": 1}, Replace("a", {1: None}))


def test_edits_in_words() -> None:
    edits = (Rename("a", "b"), Replace("a", {1: 2}), Replace("a", sorted), Remove("a"), Move("a", "b"), Default("a", 1))
    assert [str(edit) for edit in edits] == [
        "rename a to b",
        "replace a: 1 by 2",
        "replace a by what sorted makes of it",
        "remove a",
        "move a to b",
        "write a: 1 where it was left out",
    ]
