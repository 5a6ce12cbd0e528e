"""Markdown that the extensions here generate, and that MyST then reads as if it stood in the page."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; a line end or a bar within a cell does not break it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines) + "\n"


def code(value: object) -> str:
    """Return text as code, empty for nothing."""
    return f"`{value}`" if str(value) else ""


def prose(text: str) -> str:
    """Return a docstring as Markdown: its double backticks become single ones, its lines one."""
    return " ".join(text.replace("``", "`").split())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
