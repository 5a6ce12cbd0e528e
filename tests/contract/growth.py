"""Whether a signature still takes every call that it took before."""

from __future__ import annotations

import ast


def grew(old: str, new: str) -> bool:
    """Return whether ``new`` is ``old`` with further parameters that may be left out.

    Methods cannot grow: what a plugin has written in their place would not know the new parameter.
    """
    name = old.partition("(")[0]
    if name != new.partition("(")[0] or "(self" in old:
        return False
    before, after = (_parsed(line.removeprefix(name)) for line in (old, new))
    if before is None or after is None or _returns(before) != _returns(after):
        return False
    had, has = (_parameters(function.args) for function in (before, after))
    added = {key: text for key, text in has.items() if key not in had}
    return all(has.get(key) == text for key, text in had.items()) and all(" = " in text for text in added.values())


def _parsed(signature: str) -> ast.FunctionDef | None:
    text = f"def f{signature.replace('…', '...')}: ..."
    try:
        node = ast.parse(text).body[0]
    except SyntaxError:
        return None
    return node if isinstance(node, ast.FunctionDef) else None


def _returns(function: ast.FunctionDef) -> str:
    return ast.unparse(function.returns) if function.returns else ""


def _parameters(args: ast.arguments) -> dict[int | str, str]:
    """Return each parameter as text, those that may be given by position under their place."""
    by_place = [*args.posonlyargs, *args.args]
    defaults: list[ast.expr | None] = [*[None] * (len(by_place) - len(args.defaults)), *args.defaults]
    named = zip((arg.arg for arg in args.kwonlyargs), zip(args.kwonlyargs, args.kw_defaults, strict=True), strict=True)
    pairs: list[tuple[int | str, tuple[ast.arg, ast.expr | None]]] = [
        *enumerate(zip(by_place, defaults, strict=True)),
        *named,
    ]
    return {key: ast.unparse(arg) + (f" = {ast.unparse(value)}" if value else "") for key, (arg, value) in pairs}
