from __future__ import annotations

import time

import pytest

from quark_core.config.load import Format
from quark_core.config.reading.limits import SIZE
from tests.unit.config.marked import problems_of

N = 100_000
DEEP: list[tuple[Format, str, str]] = [
    ("yaml", "list", "[" * N),
    ("yaml", "mapping", "{" * N),
    ("yaml", "mapping with keys", "{a: " * N),
    ("yaml", "block list", "- " * N),
    ("yaml", "complex keys", "? " * N),
    ("yaml", "block mapping", "".join(" " * i + "a:\n" for i in range(1400))),
    ("yaml", "chain of aliases", "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 300))),
    (
        "yaml",
        "chain of merges",
        "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} {{<<: *a{i - 1}}}\n" for i in range(1, 300)),
    ),
    ("json", "list", "[" * N),
    ("json", "object", '{"a":' * N),
    ("toml", "list", "a=" + "[" * N),
    ("toml", "inline table", "a=" + "{a=" * N),
    ("toml", "dotted key", "a." * N + "a=1"),
    ("toml", "quoted dotted key", '"a" . ' * N + "a=1"),
    ("toml", "header", "[" + "a." * N + "a]"),
]
LAUGHS = "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10))
MANY: list[tuple[Format, str, str]] = [
    ("yaml", "billion laughs", "a0: &a0 [x]\n" + LAUGHS),
    ("yaml", "billion merges", "a0: &a0 {x: 1}\n" + LAUGHS.replace("[", "{<<: [").replace("]", "]}")),
    ("json", "flat", "[" + "1," * 500_000 + "1]"),
    ("json", "unclosed", "[" + "1," * 500_000),
    ("toml", "flat", "a=[" + "1," * 500_000 + "]"),
    ("toml", "long headers", "".join(f"[{'a.' * 60}a{i}]\n" for i in range(7000))),
]


@pytest.mark.parametrize(("form", "name", "text"), [*DEEP, *MANY], ids=lambda v: v[:20] if isinstance(v, str) else "")
def test_what_goes_too_far_is_one_problem_and_soon(form: Format, name: str, text: str) -> None:
    start = time.process_time()
    problems = problems_of(text, form)
    assert [problem.code for problem in problems] == ["limit"], name
    assert len(str(problems[0])) < 1000
    assert time.process_time() - start < 10


@pytest.mark.parametrize("form", ["yaml", "json", "toml"])
def test_size_is_bounded(form: Format) -> None:
    assert [p.code for p in problems_of("#" * (SIZE + 1), form)] == ["limit"]


@pytest.mark.parametrize(
    ("form", "text", "code"),
    [
        ("yaml", "a: &a [*a]", "alias"),
        ("yaml", "a: &a {<<: *a}", "alias"),
        ("yaml", "a: \0", "syntax"),
        ("yaml", 'a: "\\ud800"', "encoding"),
        ("yaml", 'a: "\\U00110000"', "syntax"),
        ("yaml", "%YAML 1.99999\n---\na: 1", "syntax"),
        ("yaml", "%YAML 3.1\n---\na: 1", "syntax"),
        ("yaml", "a: !!python/object/apply:os.system [ls]", "tag"),
        ("yaml", "a: !!python/name:os.system", "tag"),
        ("yaml", "a: !!set {x}", "tag"),
        ("yaml", "a: !!omap []", "tag"),
        ("yaml", "a: !foo 1", "tag"),
        ("yaml", "a: " + "9" * 5000, "limit"),
        ("yaml", "a: 0x" + "f" * 5000, "limit"),
        ("json", '{"a": ' + "9" * 5000 + "}", "limit"),
        ("toml", "a = " + "9" * 5000, "limit"),
        ("toml", "a = 0x" + "f" * 5000, "limit"),
        ("toml", "a = 9999-99-99", "syntax"),
        ("json", '{"\\ud800": 1}', "encoding"),
        ("json", '"\\"' * 100_000, "syntax"),
        ("json", '"' * 500_000, "syntax"),
        ("toml", '"' * 500_000, "syntax"),
        ("toml", "a = '''" + "''" * 100_000, "syntax"),
        ("json", "\0", "syntax"),
        ("toml", "a = \0", "syntax"),
        ("json", "\ud800", "encoding"),
        ("yaml", "a: \ud800", "encoding"),
        ("toml", "a = '\ud800'", "encoding"),
        ("yaml", "exclude: ['re:" + "(" * 900 + ")" * 90 + "']", "regex"),
        ("yaml", "exclude: ['re:" + "a" * 2000 + "']", "limit"),
        ("yaml", "requires: ['" + "a" * 2000 + "']", "limit"),
        ("yaml", "requires: ['" + "(" * 900 + "']", "requirement"),
    ],
)
def test_what_is_hostile_is_refused(form: Format, text: str, code: str) -> None:
    problems = problems_of(text, form)
    assert code in [problem.code for problem in problems]
    assert all(str(problem).encode() for problem in problems)


def test_escape_sequences_do_not_reach_the_terminal() -> None:
    for text in ('{"a\\u001b[31m": 1}', '{"a\x1b[31m": 1}', '{"exclude": ["re:(\\u001b"]}'):
        assert all("\x1b" not in str(problem) for problem in problems_of(text, "json"))


def test_long_lines_are_cut_around_the_caret() -> None:
    text = '{"exclude": [' + '"a", ' * 1000 + '3, "' + "b" * 5000 + '"]}'
    (problem,) = problems_of(text, "json")
    head, source, caret, _fix = str(problem).splitlines()
    assert head.startswith("<string>:1:5014: exclude[1000]: ")
    assert len(source) < 140
    assert source[caret.index("^")] == "3"
