"""Every message that a plugin author can provoke is in docs/messages.md, with the mistake that provokes it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.contract.author_messages import KIT, PAGE, ROOT, kit_messages, page, said
from tests.contract.author_mistakes import GOOD, MISTAKES, Mistake

DOOR = ("capability", "collect", "discovery", "formats", "missing", "options", "ref", "specs")
"""Modules of ``quark_core.plugin`` that say something to authors."""


def test_the_page_is_as_the_code() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "fix: make messages"


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.did)
def test_a_mistake_is_told_on_one_short_line(mistake: Mistake) -> None:
    text = said(mistake)
    assert text
    assert "\n" not in text
    assert len(text) < 400
    assert "/tmp" not in text  # noqa: S108 - a path of this machine says nothing to others


def test_what_is_right_is_told_nothing() -> None:
    assert said(Mistake("nothing", GOOD)) == ""


def speaking(module: str) -> Iterator[int]:
    """Yield the lines of a module that make a message: each ``raise`` of something new, and texts that are returned."""
    tree = ast.parse((ROOT / "quark_core" / "plugin" / f"{module}.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            yield node.lineno
        if isinstance(node, ast.Return) and isinstance(node.value, ast.JoinedStr) and module in ("collect", "missing"):
            yield node.lineno


def test_every_message_has_its_mistake() -> None:
    files = {str(ROOT / "quark_core" / "plugin" / f"{module}.py"): module for module in DOOR}
    met: set[tuple[str, int]] = set()

    def trace(frame: FrameType, event: str, _arg: Any) -> Any:
        module = files.get(frame.f_code.co_filename)
        if module is None:
            return None
        if event == "line":
            met.add((module, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        for mistake in MISTAKES:
            said(mistake)
    finally:
        sys.settrace(before)
    assert sorted({(module, line) for module in DOOR for line in speaking(module)} - met) == []


def test_every_check_of_the_kit_says_what_is_wrong() -> None:
    told = {(suite, check) for suite, check, text in kit_messages() if text.strip("… ")}
    for name in KIT:
        tree = ast.parse(Path(ROOT / "quark_core" / "testing" / f"{name}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            assert not (isinstance(node, ast.Assert) and node.msg is None), f"{name}.py:{node.lineno}: a silent assert"
        for suite in (node for node in tree.body if isinstance(node, ast.ClassDef)):
            functions = [node for node in suite.body if isinstance(node, ast.FunctionDef)]
            checks = {node.name for node in functions if node.name.startswith("test_")}
            assert {(suite.name, check) for check in checks} <= told
