"""What plugin authors can do wrong, and what is said: ``python -m tests.contract.author_messages`` writes the page."""

from __future__ import annotations

import ast
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.contract.author_mistakes import MISTAKES, Mistake
from tests.unit.plugin.conftest import GOOD, Site, plugin

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "messages.md"
KIT = ("plugins", "dtypes", "observers", "roundings", "devices", "modes")
TEXT = """\
# Messages for plugin authors

`quark plugins` prints these, with the name of the plugin and its distribution before each: `plugin 'acme' (quark-acme
0.1): …`. The same words are in the error of a config that uses what the plugin would have added. This page comes from a
test that makes each of these mistakes.

## When a plugin is read

| mistake | what is said |
|---|---|
{reading}

## When it is checked

`quark plugins check` and test classes of `quark_core.testing` say these; `…` stands for names and numbers.

| check | what is said |
|---|---|
{checking}
"""


def said(mistake: Mistake) -> str:
    """Return what is said of a plugin with this mistake, without its name."""
    with _site() as site:
        for name, source in mistake.modules.items():
            site.module(name, source)
        site.plugin("acme", mistake.source.replace("{prefix}", "acme"))
        if mistake.twice:
            site.module("quark_fork", GOOD.replace("{prefix}", "acme"))
            site.distribution("quark-fork", "acme = quark_fork")
        registry = site.load()
        found = [p for p in registry.plugins if p.name == "acme"]
        error = next((p.error for p in found if p.error), None)
        if error is not None:
            return error.message
        from quark_core.plugin.missing import missing_code

        kind, name = plugin(registry, "acme").adds[0]
        return missing_code(registry.get(kind, name)) or ""


@contextmanager
def _site() -> Iterator[Site]:
    before = set(sys.modules)
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, folder)
        try:
            yield Site(Path(folder))
        finally:
            sys.path.remove(folder)
            for name in set(sys.modules) - before:
                if str(getattr(sys.modules[name], "__file__", None) or "").startswith(folder):
                    del sys.modules[name]


def kit_messages() -> Iterator[tuple[str, str, str]]:
    """Yield each suite, check and message of the conformance kit, as its code has them."""
    for name in KIT:
        tree = ast.parse((ROOT / "quark_core" / "testing" / f"{name}.py").read_text(encoding="utf-8"))
        for suite in (node for node in tree.body if isinstance(node, ast.ClassDef)):
            for check in (node for node in suite.body if isinstance(node, ast.FunctionDef)):
                if check.name.startswith("test_"):
                    yield from ((suite.name, check.name, text) for text in _texts(check))


def _texts(check: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(check):
        if isinstance(node, ast.Assert) and node.msg is not None:
            yield _words(node.msg)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.fail":
            yield _words(node.args[0])


def _words(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_words(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mult):
        return _words(node.left) + (_words(node.right) if isinstance(node.op, ast.Add) else "")
    return "…"


def page() -> str:
    """Return the text of docs/messages.md."""
    reading = "\n".join(f"| {mistake.did} | {_code(said(mistake))} |" for mistake in MISTAKES)
    checking = "\n".join(f"| `{suite}` `{check}` | {_code(text)} |" for suite, check, text in kit_messages())
    return TEXT.format(reading=reading, checking=checking)


def _code(text: str) -> str:
    """Return ``text`` as a code span within a table."""
    fence = "``" if "`" in text else "`"
    space = " " * (text.startswith("`") or text.endswith("`"))
    return f"{fence}{space}{text}{space}{fence}".replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
