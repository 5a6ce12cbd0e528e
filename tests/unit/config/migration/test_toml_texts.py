from __future__ import annotations

import pytest
import tomlkit

from quark_core.config.migration.edits import Default, Edit, Move, Remove, Rename, Replace
from quark_core.errors import ConfigError
from tests.unit.config.migration.rewriting import after

V1, V2 = "version = 1\n", "version = 2\n"
CASES: list[tuple[str, str, tuple[Edit, ...]]] = [
    # The version: in its place, else above the first key or table with its comments.
    ("version = 1 # v\n", "version = 2 # v\n", ()),
    ("# file\n\n# about a\n[a]\nb = 1\n", "# file\n\nversion = 2\n\n# about a\n[a]\nb = 1\n", ()),
    ("#:schema x.json\na = 1\n", "#:schema x.json\nversion = 2\na = 1\n", ()),
    ("# nothing\n", "# nothing\nversion = 2\n", ()),
    # A name changes wherever it stands: headers, dotted keys, inline tables.
    (
        V1 + "[a] # h\nx = 1\n[a.b]\n[ a . 'c' ]\n[a.'c'.a]\n",
        V2 + "[z] # h\nx = 1\n[z.b]\n[ z . 'c' ]\n[z.'c'.a]\n",
        (Rename("a", "z"),),
    ),
    (V1 + 'a.b = 1 # c\na."b c" = 2\n', V2 + 'z.b = 1 # c\nz."b c" = 2\n', (Rename("a", "z"),)),
    (
        V1 + "[[l]] # 1\nw.'d'=1\n[[l]]\n[l.w]\nd = 2 # d\n[[l]]\nw = { d = 3 }\n",
        V2 + '[[k]] # 1\nw.\'z z\'=1\n[[k]]\n[k.w]\n"z z" = 2 # d\n[[k]]\nw = { "z z" = 3 }\n',
        (Rename("l[*].w.d", "z z"), Rename("l", "k")),
    ),
    # Values.
    (
        V1 + "a = 'x' # c\nb = [\n  'x', # 1\n]\n",
        V2 + "a = 'y' # c\nb = [\n  'y', # 1\n]\n",
        (Replace("a", {"x": "y"}), Replace("b[*]", {"x": "y"})),
    ),
    (V1 + 'a = """\nx"""\n', V2 + 'a = "y\\u000a"\n', (Replace("a", {"x": "y\n"}),)),
    (V1 + "a = [ # in\n  1,\n] # out\n", V2 + "a = 1\n    # in\n    # out\n", (Replace("a", len),)),
    (V1 + "[a] # h\nb = 1 # b\n[c]\n", V2 + "a = {x = {b = 1}}\n# h\n# b\n[c]\n", (Replace("a", lambda v: {"x": v}),)),
    # Removals keep comments, and tables that only dotted names imply.
    (V1 + "a = 1 # c\nb = [ # d\n  1, # e\n]\n", V2 + "# c\n# d\n# e\n", (Remove("a"), Remove("b"))),
    (V1 + "\n# about\n[a] # h\nb = 1\n\n[a.c]\nd = 1\n[e]\n", V2 + "\n# about\n# h\n\n[e]\n", (Remove("a"),)),
    (V1 + "a.b = 3 # c\n", V2 + "a = {} # c\n", (Remove("a.b"),)),
    (V1 + "a.b = 3\na.c = 4\n", V2 + "a.c = 4\n", (Remove("a.b"),)),
    (V1 + "[a.b]\nc = 1\n[a.b.d]\n", V2 + "[a]\n", (Remove("a.b"),)),
    (V1 + "x = {a.b = 1, c = 2}\n", V2 + "x = {a = {}, c = 2}\n", (Remove("x.a.b"),)),
    (V1 + "x = { a = 1, b = 2 }\n", V2 + "x = { a = 1 }\n", (Remove("x.b"),)),
    (V1 + "x = { a = 1, b = 2 }\n", V2 + "x = {}\n", (Remove("x.*"),)),
    (V1 + "[[l]]\na = 1\n[l.b]\nc = 1\n[[l]]\n", V2 + "[[l]]\na = 1\n[[l]]\n", (Remove("l[*].b"),)),
    # What is new stands like what is there.
    (V1 + "[a]\n  b = 1 # c\n\n# d\n[e]\n", V2 + "[a]\n  b = 1 # c\n  z = 0\n\n# d\n[e]\n", (Default("a.z", 0),)),
    (V1 + "[a] # h\n[e]\n", V2 + "[a] # h\nz = 0\n[e]\n", (Default("a.z", 0),)),
    (V1 + "a . b = 1\nc = 2\n", V2 + "a . b = 1\na.z = 0\nc = 2\n", (Default("a.z", 0),)),
    (V1 + "# d\n[a.b]\n", V2 + "[a]\nz = 0\n\n# d\n[a.b]\n", (Default("a.z", 0),)),
    (V1 + "[[l]]\n[l.a.b]\n", V2 + "[[l]]\n[l.a]\nz = 0\n\n[l.a.b]\n", (Default("l[*].a.z", 0),)),
    (V1 + "x={a=1,b=2}\n", V2 + "x={a=1,b=2,z=0}\n", (Default("x.z", 0),)),
    (
        V1 + "x = {}\n",
        V2 + 'x = {z = [true, 0.5, "é\\u0007", {"a b" = 1}]}\n',
        (Default("x.z", [True, 0.5, "é\x07", {"a b": 1}]),),
    ),
    (V1 + "[[l]]\nx = 1 # x\n[[l]]\ny = 1\n", V2 + "[[l]]\n# x\n[[l]]\ny = 1\n", (Remove("l[*].x"),)),
    (
        V1 + "a = 1 # c\n[b]\nx = 1\n[b.c]\ny = 1\n",
        V2 + "# c\n[b]\nx = 1\n[b.c]\ny = 1\nd = {e = 1}\n",
        (Move("a", "b.c.d.e"),),
    ),
]


@pytest.mark.parametrize(("text", "wanted", "edits"), CASES)
def test_only_what_is_meant_changes(text: str, wanted: str, edits: tuple[Edit, ...]) -> None:
    assert after(text, "toml", *edits) == wanted
    assert after(text.replace("\n", "\r\n"), "toml", *edits) == wanted.replace("\n", "\r\n")
    # Another reader takes it too, to the last byte.
    assert tomlkit.dumps(tomlkit.parse(wanted)) == wanted


def test_a_table_in_several_pieces_is_no_item_to_replace() -> None:
    with pytest.raises(ConfigError, match="a table in an array stands in several pieces"):
        after("[[l]]\na = 1\n", "toml", Replace("l[*]", lambda value: [value]))
    assert after(V1 + "l = [{a = 1}]\n", "toml", Replace("l[*]", lambda value: [value])) == V2 + "l = [[{a = 1}]]\n"
