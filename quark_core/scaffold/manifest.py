"""Cuts a manifest down to some of its hooks."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

_WIDTH = 120


def with_hooks(source: str, hooks: Iterable[str]) -> str:
    """Return the module ``source`` with only ``hooks`` and what they need; what is kept stays as it is written."""
    tree = ast.parse(source)
    needed = _needed(tree, {"QUARK_API", *hooks})
    lines = source.splitlines(keepends=True)
    made, end, blank = "", 0, ""
    for statement in tree.body:
        start = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", ()))]) - 1
        gap, text = "".join(lines[end:start]), "".join(lines[start : statement.end_lineno])
        end = statement.end_lineno or end
        # Where something is left out, the widest space around it stays, and its comment goes.
        words = gap.lstrip("\n")
        blank = max(blank, gap.removesuffix(words), key=len)
        if isinstance(statement, ast.Import | ast.ImportFrom):
            text = _import(statement, needed)
        elif not _is_docstring(statement, tree) and not set(_defined(statement)) & needed:
            text = ""
        if text:
            made, blank = made + blank + words + text, ""
    return made


def _needed(tree: ast.Module, wanted: set[str]) -> set[str]:
    uses = {name: _used(statement) for statement in tree.body for name in _defined(statement)}
    found: set[str] = set()
    open_names = set(wanted)
    while open_names:
        found |= open_names
        open_names = set().union(*(uses.get(name, set()) for name in open_names)) - found
    return found


def _defined(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Assign):
        yield from (target.id for target in statement.targets if isinstance(target, ast.Name))
    elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        yield statement.target.id


def _used(statement: ast.stmt) -> set[str]:
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}


def _is_docstring(statement: ast.stmt, tree: ast.Module) -> bool:
    return statement is tree.body[0] and isinstance(statement, ast.Expr)


def _import(statement: ast.Import | ast.ImportFrom, needed: set[str]) -> str:
    names = [alias.name for alias in statement.names if (alias.asname or alias.name) in needed]
    if not names:
        return ""
    if isinstance(statement, ast.Import):
        return f"import {', '.join(names)}\n"
    line = f"from {statement.module} import {', '.join(names)}\n"
    if len(line) <= _WIDTH:
        return line
    return f"from {statement.module} import (\n" + "".join(f"    {name},\n" for name in names) + ")\n"
