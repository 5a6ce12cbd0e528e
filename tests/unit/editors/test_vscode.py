"""VS Code's settings: what is added, what stays, what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quark_core.editors.globs import DEFAULT
from quark_core.editors.vscode import SCHEMA, merged, vscode_files
from quark_core.errors import UsageError

YAML = ["**/quark.yaml", "**/*.quark.yaml", "**/quark.yml", "**/*.quark.yml"]
JSON = ["**/quark.json", "**/*.quark.json"]
TOML = ["**/quark.toml", "**/*.quark.toml"]
OURS = {
    "yaml.schemas": {SCHEMA: YAML},
    "json.schemas": [{"fileMatch": JSON, "url": SCHEMA}],
    "evenBetterToml.rules": [{"name": "quark", "include": TOML, "schema": {"path": SCHEMA}}],
}


def stripped(text: str) -> str:
    """Return JSON without comments and trailing commas, by a walk over its characters."""
    out: list[str] = []
    index = 0
    while index < len(text):
        two = text[index : index + 2]
        if text[index] == '"':
            end = index + 1
            while text[end] != '"':
                end += 2 if text[end] == "\\" else 1
            out.append(text[index : end + 1])
            index = end + 1
        elif two == "//":
            while index < len(text) and text[index] not in "\r\n":
                index += 1
        elif two == "/*":
            index = text.index("*/", index) + 2
        else:
            if text[index] in "]}":
                while out and (out[-1].isspace() or out[-1] == ","):
                    out.pop()
            out.append(text[index])
            index += 1
    return "".join(out)


def value_of(text: str) -> Any:
    return json.loads(stripped(text))


def is_kept(old: str, new: str) -> bool:
    """Return whether ``new`` is ``old`` with something put in between."""
    rest = iter(new)
    return all(character in rest for character in old)


@pytest.mark.parametrize("text", ["", " \n", "{}", "{ }\n", "{\n}\n"])
def test_empty_settings_get_the_three_keys(text: str) -> None:
    assert json.loads(merged("s.json", text, DEFAULT)) == OURS


def test_settings_of_comments_alone_keep_them() -> None:
    new = merged("s.json", "// none yet\r\n", DEFAULT)
    assert new.startswith("// none yet\r\n{\r\n    ")
    assert value_of(new) == OURS


def test_comments_and_layout_stay() -> None:
    old = """// mine
{
  "editor.rulers": [120], // "yaml.schemas": {}
  /* off:
  "json.schemas": [], */
  "yaml.schemas": {
    // kubernetes
    "k8s.json": "*.k8s.yaml", // all of them
  },
  "json.schemas": [{"fileMatch": ["a.json"], "url": "./a.json"}],
  "files.eol": "\\n" // last
}
"""
    new = """// mine
{
  "editor.rulers": [120], // "yaml.schemas": {}
  /* off:
  "json.schemas": [], */
  "yaml.schemas": {
    // kubernetes
    "k8s.json": "*.k8s.yaml", // all of them
    "./.vscode/quark.schema.json": [
      "**/a.yaml"
    ],
  },
  "json.schemas": [{"fileMatch": ["a.json"], "url": "./a.json"}, \
{"fileMatch": ["**/a.json"], "url": "./.vscode/quark.schema.json"}],
  "files.eol": "\\n", // last
  "evenBetterToml.rules": [
    {
      "name": "quark",
      "include": [
        "**/a.toml"
      ],
      "schema": {
        "path": "./.vscode/quark.schema.json"
      }
    }
  ]
}
"""
    assert merged("s.json", old, ["**/a.yaml", "**/a.json", "**/a.toml"]) == new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('{"a": 1}', '{"a": 1, "yaml.schemas": {"S": ["**/a.yaml"]}}'),
        ('{"a": 1,}', '{"a": 1, "yaml.schemas": {"S": ["**/a.yaml"]},}'),
        ('{"a": 1 /* c */}', '{"a": 1, /* c */ "yaml.schemas": {"S": ["**/a.yaml"]}}'),
        ('{"yaml.schemas": {"S": "**/b.yaml"}}', '{"yaml.schemas": {"S": ["**/b.yaml", "**/a.yaml"]}}'),
        ('{"yaml.schemas": {"S": "**/a.yaml"}}', '{"yaml.schemas": {"S": "**/a.yaml"}}'),
        ('{"yaml.schemas": {"S": ["x"]}}', '{"yaml.schemas": {"S": ["x", "**/a.yaml"]}}'),
        ('{"yaml.schemas": {"S": ["**/a.yaml", "x"]}}', '{"yaml.schemas": {"S": ["**/a.yaml", "x"]}}'),
        ("{ /* c */ }", '{ /* c */ "yaml.schemas": {"S": ["**/a.yaml"]} }'),
    ],
)
def test_settings_on_one_line(old: str, new: str) -> None:
    made = merged("s.json", old.replace("S", SCHEMA), ["**/a.yaml"])
    assert value_of(made) == value_of(new.replace("S", SCHEMA))
    assert "".join(made.split()) == "".join(new.replace("S", SCHEMA).split())


def test_the_files_own_indentation_and_line_ends_are_used() -> None:
    old = '{\r\n\t"a": {\r\n\t\t"b": 1\r\n\t}\r\n}'
    new = merged("s.json", old, ["**/a.yaml"])
    assert new == (
        '{\r\n\t"a": {\r\n\t\t"b": 1\r\n\t},\r\n\t"yaml.schemas": {\r\n\t\t"./.vscode/quark.schema.json": [\r\n'
        '\t\t\t"**/a.yaml"\r\n\t\t]\r\n\t}\r\n}'
    )


def test_entries_of_ours_are_extended_where_they_stand() -> None:
    once = merged("s.json", '{"json.schemas": [{"url": "x"}]}', DEFAULT)
    twice = merged("s.json", once, ["**/a.json", "**/a.toml", "**/a.yaml"])
    assert value_of(twice) == {
        "yaml.schemas": {SCHEMA: [*YAML, "**/a.yaml"]},
        "json.schemas": [{"url": "x"}, {"fileMatch": [*JSON, "**/a.json"], "url": SCHEMA}],
        "evenBetterToml.rules": [{"name": "quark", "include": [*TOML, "**/a.toml"], "schema": {"path": SCHEMA}}],
    }


def test_an_entry_without_globs_gets_them() -> None:
    text = json.dumps({"json.schemas": [{"url": SCHEMA}]})
    assert value_of(merged("s.json", text, ["**/a.json"])) == {
        "json.schemas": [{"url": SCHEMA, "fileMatch": ["**/a.json"]}]
    }


BLANK = st.sampled_from(
    ["", " ", "\n", "\n    ", " // c, }\n", " /* ] , */ ", '\n  // "x": 1\n  ', "// \u00a0\x0b\u2028\n", "/*\u00a0*/"]
)
SCALAR = st.one_of(st.integers(-9, 9), st.booleans(), st.none(), st.text(max_size=4), st.just("// no"))
PLAIN = st.recursive(
    SCALAR,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=6,
)


def written(value: Any, draw: Callable[[st.SearchStrategy[Any]], Any]) -> str:
    """Return ``value`` as JSON with comments, blanks and trailing commas."""

    def between(parts: list[str], brackets: str) -> str:
        trailing = "," if parts and draw(st.booleans()) else ""
        before: str = draw(BLANK)
        after: str = draw(BLANK)
        return brackets[0] + ",".join(parts) + before + trailing + after + brackets[1]

    if isinstance(value, dict):
        return between(
            [f"{draw(BLANK)}{json.dumps(k)}{draw(BLANK)}:{draw(BLANK)}{written(v, draw)}" for k, v in value.items()],
            "{}",
        )
    if isinstance(value, list):
        return between([draw(BLANK) + written(item, draw) for item in value], "[]")
    return json.dumps(value)


@given(st.data(), st.dictionaries(st.text(max_size=3), PLAIN, max_size=3), st.dictionaries(st.text(max_size=3), PLAIN))
def test_any_settings_keep_every_character_and_get_ours(
    data: st.DataObject, mine: dict[str, Any], schemas: dict[str, Any]
) -> None:
    if data.draw(st.booleans()):
        mine = {**mine, "yaml.schemas": schemas}
    old = data.draw(BLANK) + written(mine, data.draw) + data.draw(BLANK)
    assert value_of(old) == mine
    new = merged("s.json", old, DEFAULT)
    assert value_of(new) == {**mine, **OURS, "yaml.schemas": {**mine.get("yaml.schemas", {}), SCHEMA: YAML}}
    assert is_kept(old, new)
    assert merged("s.json", new, DEFAULT) == new


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{\n  "a": 1\n  "b": 2\n}', "s.json:3:3: not JSON: expecting ',' delimiter"),
        ('{\n  "a": [1,, 2]\n}', "s.json:2:11: not JSON"),
        ("{,}", "s.json:1:2: not JSON"),
        ('{"a": 1} // c\n}', "s.json:2:1: not JSON: extra data"),
        ('{"a": 1, /* no end', "s.json:1:10: not JSON"),
        ('{"a": 1} /*/', "s.json:1:10: not JSON: extra data"),
        ("/* " * 300_000, "s.json:1:1: not JSON"),
        ("[]", "s.json:1:1: the file must be an object"),
        ('{"yaml.schemas": []}', "s.json:1:18: yaml.schemas must be an object"),
        ('{"json.schemas": {}}', "s.json:1:18: json.schemas must be a list"),
        ('{"evenBetterToml.rules": 1}', "s.json:1:26: evenBetterToml.rules must be a list"),
        (f'{{"yaml.schemas": {{"{SCHEMA}": 1}}}}', "must be a glob or a list of globs"),
        ('{"a": 1, "a": 2}', "s.json:1:10: a: 'a' is given twice"),
        ('{"a": 1\u00a0}', "s.json:1:8: not JSON"),
        ('{"a": NaN}', "s.json:1:7: NaN is not JSON"),
    ],
)
def test_what_is_broken_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        merged("s.json", text, DEFAULT)
    assert said in str(refused.value)
    assert "the file was left as it is" in str(refused.value)


def test_the_excerpt_is_the_files_own_line() -> None:
    with pytest.raises(UsageError, match="not JSON") as refused:
        merged("s.json", '{"a": 1 "b": 2 // why\n}', DEFAULT)
    assert '   1 | {"a": 1 "b": 2 // why' in str(refused.value)


def test_the_files_of_a_project(tmp_path: Path) -> None:
    (tmp_path / ".vscode").mkdir()
    (tmp_path / ".vscode" / "settings.json").write_bytes(b"\xef\xbb\xbf{}\r\n")
    files = vscode_files(tmp_path, "schema text", DEFAULT)
    settings = tmp_path / ".vscode" / "settings.json"
    assert list(files) == [tmp_path / ".vscode" / "quark.schema.json", settings]
    assert files[tmp_path / ".vscode" / "quark.schema.json"] == b"schema text"
    assert files[settings].startswith(b'\xef\xbb\xbf{\r\n    "yaml.schemas": {\r\n')
    assert json.loads(files[settings].decode("utf-8-sig")) == OURS
