from __future__ import annotations

import pytest

from quark_core.config.migration.edits import Default, Edit, Move, Remove, Rename, Replace
from quark_core.config.migration.rewrite import rewritten
from quark_core.config.migration.steps import History, Step
from quark_core.config.reading.formats import read
from quark_core.errors import ConfigError, Place
from tests.unit.config.migration.rewriting import after

CASES: list[tuple[str, str, tuple[Edit, ...]]] = [
    # The version: in its place, else above the first key with its comments, below what must be first.
    ("version: 1 # v\na: 1\n", "version: 2 # v\na: 1\n", ()),
    ("# file\n\n# about a\na: 1\n", "# file\n\nversion: 2\n# about a\na: 1\n", ()),
    (
        "# yaml-language-server: $schema=x.json\na: 1\n",
        "# yaml-language-server: $schema=x.json\nversion: 2\na: 1\n",
        (),
    ),
    ("%YAML 1.2\n---\na: 1\n", "%YAML 1.2\n---\nversion: 2\na: 1\n", ()),
    ("{a: 1, b: 2}", "{version: 2, a: 1, b: 2}", ()),
    ("{}\n", "{version: 2}\n", ()),
    ('version: !!int "1"\n', "version: 2\n", ()),
    # Names keep their quotes.
    (
        "version: 1\na:  1\n'a b': {a: 2}\n",
        "version: 2\nz:  1\n'a b': {z: 2}\n",
        (Rename("a", "z"), Rename("a b.a", "z")),
    ),
    ('version: 1\n"a":\n  b: 1\n', 'version: 2\n"z":\n  b: 1\n', (Rename("a", "z"),)),
    ("version: 1\na: 1\n", 'version: 2\n"no": 1\n', (Rename("a", "no"),)),
    ("version: 1\n? a # k\n: 1\n", "version: 2\n? z # k\n: 1\n", (Rename("a", "z"),)),
    # Values keep their quotes, comments and anchors.
    ("version: 1\na: 'x' # c\n", "version: 2\na: 'y' # c\n", (Replace("a", {"x": "y"}),)),
    ("version: 1\na: &x !!str 1 # c\n", "version: 2\na: &x 2 # c\n", (Replace("a", {"1": 2}),)),
    ("version: 1\na: # c\nb: 1\n", "version: 2\na: 0 # c\nb: 1\n", (Replace("a", {None: 0}),)),
    ("version: 1\na: | # c\n  x\nb: 1\n", "version: 2\na: z # c\nb: 1\n", (Replace("a", {"x\n": "z"}),)),
    (
        "version: 1\na:\n  # above\n  b: 1 # at\n  c: 2\n# below\n",
        "version: 2\na:\n  # above\n    [b, c]\n  # at\n# below\n",
        (Replace("a", list),),
    ),
    ("version: 1\na:\n- 1 # one\n- 2 # two\n", "version: 2\na: 2\n# one\n# two\n", (Replace("a", len),)),
    # Removals keep comments.
    ("version: 1\na: 1 # c\nb: 2\n", "version: 2\n# c\nb: 2\n", (Remove("a"),)),
    ("version: 1\na:\n  b: 1 # b\n  # c\n  d: 1\n\ne: 1\n", "version: 2\n# b\n# c\n\ne: 1\n", (Remove("a"),)),
    ("version: 1\na:\n  b: 1\nc: 1\n", "version: 2\na: {}\nc: 1\n", (Remove("a.b"),)),
    ("version: 1\na: # c:\n  b: 1 # d\n", "version: 2\na: # c:\n    {} # d\n", (Remove("a.b"),)),
    ("version: 1\nl:\n- a: 1\n  b: 2\n", "version: 2\nl:\n- b: 2\n", (Remove("l[*].a"),)),
    ("version: 1\nl:\n- a: 1 # c\n  b: 2\n", "version: 2\nl:\n- # c\n  b: 2\n", (Remove("l[*].a"),)),
    ("version: 1\nl:\n  - a: 1 # c\n", "version: 2\nl:\n  - {} # c\n", (Remove("l[*].a"),)),
    ("version: 1\nx: {a: 1, b: 2, c: 3}\n", "version: 2\nx: {a: 1, c: 3}\n", (Remove("x.b"),)),
    ("version: 1\nx: {a: 1, b: 2}\n", "version: 2\nx: {a: 1}\n", (Remove("x.b"),)),
    ("version: 1\nx: {a: 1}\n", "version: 2\nx: {}\n", (Remove("x.*"),)),
    (
        "version: 1\nx: {\n  a: 1, # a\n  b: 2, # b\n}\n",
        "version: 2\nx: {\n   # a\n  b: 2, # b\n}\n",
        (Remove("x.a"),),
    ),
    # What is new stands like what is there.
    (
        "version: 1\na:\n    b: 1 # c\n\n# d\ne: 1\n",
        "version: 2\na:\n    b: 1 # c\n    z: 0\n\n# d\ne: 1\n",
        (Default("a.z", 0),),
    ),
    (
        "version: 1\nl:\n  -   a: 1\n  - b: 1\n",
        "version: 2\nl:\n  -   a: 1\n      z: 0\n  - b: 1\n    z: 0\n",
        (Default("l[*].z", 0),),
    ),
    (
        "version: 1\na: {b: 1, c: 2}\n",
        'version: 2\na: {b: 1, c: 2, z: [true, 0.5, "a b", {}]}\n',
        (Default("a.z", [True, 0.5, "a b", {}]),),
    ),
    ("version: 1\na: {\n  b: 1 # c\n}\n", "version: 2\na: {\n  b: 1,\n  z: 0 # c\n}\n", (Default("a.z", 0),)),
    ("version: 1\na: |+\n  x\n\n\n", "version: 2\na: |+\n  x\n\n\nz: 0\n", (Default("z", 0),)),
    ("version: 1\na: >\n  x\n\nb: 1", "version: 2\na: >\n  x\n\nb: 1\nz: 0", (Default("z", 0),)),
    ("version: 1\na: 1 # c\nb: {}\n", "version: 2\n# c\nb: {c: {d: 1}}\n", (Move("a", "b.c.d"),)),
    # Shared parts are changed once where all of them change, else written out.
    ("version: 1\na: &x {d: 1} # a\nb: *x # b\n", "version: 2\na: &x {z: 1} # a\nb: *x # b\n", (Rename("*.d", "z"),)),
    (
        "version: 1\na: &x {d: 1} # a\nb: *x # b\n",
        "version: 2\na: &x {z: 1} # a\nb: *x # b\n",
        (Rename("a.d", "z"), Rename("b.d", "z")),
    ),
    (
        "version: 1\na: &x {d: 1} # a\nb: *x # b\n",
        "version: 2\na: &x {z: 1} # a\nb: {d: 1} # b\n",
        (Rename("a.d", "z"),),
    ),
    ("version: 1\na: &x {d: 1} # a\nb: *x # b\n", "version: 2\n# a\nb: {d: 1} # b\n", (Remove("a"),)),
    ("version: 1\na: &x 1\nb: *x\nc: *x\n", "version: 2\na: &x 1\nb: 2\nc: *x\n", (Replace("b", {1: 2}),)),
    (
        "version: 1\na: &x\n  d: 1\nb:\n  <<: *x # m\n  e: 2\n",
        "version: 2\na: &x\n  z: 1\nb:\n  <<: *x # m\n  e: 2\n",
        (Rename("*.d", "z"),),
    ),
    (
        "version: 1\na: &x\n  d: 1\n  f: 3\nb:\n  <<: *x # m\n  e: 2\n",
        "version: 2\na: &x\n  d: 1\n  f: 3\nb:\n  z: 1\n  f: 3 # m\n  e: 2\n",
        (Rename("b.d", "z"),),
    ),
    (
        "version: 1\na: &x {d: 1}\nb: {<<: *x, d: 2}\nc: {<<: [*x, *x]}\n",
        "version: 2\na: &x {d: 1}\nb: {}\nc: {<<: [*x, *x]}\n",
        (Remove("b.d"),),
    ),
]


@pytest.mark.parametrize(("text", "wanted", "edits"), CASES)
def test_only_what_is_meant_changes(text: str, wanted: str, edits: tuple[Edit, ...]) -> None:
    assert after(text, "yaml", *edits) == wanted
    crlf = text.replace("\n", "\r\n")
    if "|+" not in text:
        assert after(crlf, "yaml", *edits) == wanted.replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("text", "edit", "why"),
    [
        ("l: [a: 1]\n", Remove("l[*].a"), "a pair in a list has no braces"),
        ("l: [a: 1]\n", Default("l[*].b", 0), "a pair in a list has no braces"),
        ("&k a: 1\n", Rename("a", "z"), "a key has an anchor, an alias or a tag"),
        ("l:\n-\n- 1\n", Replace("l[*]", {None: 0}), "an item of a list is empty"),
    ],
)
def test_what_cannot_be_done_is_told_to_be_done_by_hand(text: str, edit: Edit, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        after(text, "yaml", edit)
    (problem,) = caught.value.problems
    assert problem.message == f"step 1 to 2 cannot be made in this layout: {why}"
    assert (problem.fix, problem.code) == (f"by hand: {edit}; write version: 2", "migration")


def test_a_conflict_is_marked_where_it_stands() -> None:
    with pytest.raises(ConfigError) as caught:
        after("a: 1\nb:\n  c: 1\n  d: 2\n", "yaml", Rename("b.c", "d"))
    assert str(caught.value) == (
        "x:3:3: b.c: cannot become b.d, which is there already\n"
        "   3 |   c: 1\n     |   ^\n     fix: remove one of the two, then migrate again"
    )


def test_a_conflict_in_a_later_step_is_named_as_it_is_then() -> None:
    history = History((Step(1, (Rename("a", "b"),)), Step(2, (Rename("b", "c"),))), 3)
    with pytest.raises(ConfigError) as caught:
        rewritten(read("# x\na: 1\nc: 2\nversion: 1\n", "yaml", "x"), history)
    (problem,) = caught.value.problems
    assert problem.message == "once it is version 2: b cannot become c, which is there already"
    assert problem.place == Place("x", 4, 10, 1, "version: 1")


def test_two_values_are_swapped() -> None:
    text = "version: 1\na: &x one\nb: *x\nc: two\n"
    swap = Replace("*", {"one": "two", "two": "one"})
    assert after(text, "yaml", swap) == "version: 2\na: &x two\nb: *x\nc: one\n"


def test_a_lone_pair_may_change_its_name_and_value() -> None:
    text = "version: 1\nl: [a: x, {a: x}] # c\n"
    wanted = "version: 2\nl: [z: w, {z: w}] # c\n"
    assert after(text, "yaml", Rename("l[*].a", "z"), Replace("l[*].z", {"x": "w"})) == wanted
