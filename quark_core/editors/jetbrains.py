"""JetBrains IDEs: the mappings in ``.idea/jsonSchemas.xml``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

from quark_core.editors.files import Text, newline, read_text
from quark_core.editors.globs import ANYWHERE
from quark_core.editors.xml_spans import Element, read_xml
from quark_core.errors import UsageError

SCHEMA = ".idea/quark.schema.json"
"""Where the schema lies, from the project's folder."""

NAME = "Quark Core"
_COMPONENT = "JsonSchemaMappingsProjectConfiguration"
_EMPTY = '<?xml version="1.0" encoding="UTF-8"?>\n<project version="4">\n</project>\n'
_CHAIN: tuple[tuple[str, dict[str, str]], ...] = (("component", {"name": _COMPONENT}), ("state", {}), ("map", {}))
"""What leads from the project to the mappings."""


def jetbrains_files(folder: Path, schema: str, globs: Sequence[str]) -> dict[Path, bytes]:
    """Return the files to write for a project in ``folder``: the schema, and the mappings with ours among them.

    Raises UsageError when the mappings are broken.
    """
    path = folder / ".idea" / "jsonSchemas.xml"
    found = read_text(path) if path.exists() else Text(_EMPTY)
    return {folder / SCHEMA: schema.encode(), path: found.encoded(merged(str(path), found.body, globs))}


def merged(file: str, text: str, globs: Sequence[str]) -> str:
    """Return the text of mappings with what is missing added; ``file`` is their name in messages."""
    root = read_xml(file, text)
    if root.tag != "project":
        raise UsageError(f"{file}: holds <{root.tag}> where <project> is due, and was left as it is")
    # A pattern without a slash is held against a file's name, so in any folder.
    patterns = [glob.removeprefix(ANYWHERE) for glob in globs]
    parent, missing = root, list(_CHAIN)
    while missing and (child := parent.child(*missing[0])):
        parent = child
        missing.pop(0)
    entry = None if missing else parent.child("entry", {"key": NAME})
    if entry is None:
        return _insert(text, parent, _wrapped([_open(tag, given) for tag, given in missing], _entry(patterns)))
    return _extended(text, entry, patterns)


def _extended(text: str, entry: Element, patterns: list[str]) -> str:
    info = entry.descend("value", "SchemaInfo")
    path = info and info.child("option", {"name": "relativePathToSchema"})
    options = info and info.child("option", {"name": "patterns"})
    listed = options and options.child("list", {})
    if path is None or path.given.get("value") != SCHEMA or listed is None:
        indent = _indent(text, entry.start)
        return text[: entry.start] + _joined(_entry(patterns), indent, text).lstrip() + text[entry.end :]
    there = {option.given.get("value") for item in listed.children for option in item.children}
    new = [line for pattern in patterns if pattern not in there for line in _item(pattern)]
    return _insert(text, listed, new) if new else text


def _insert(text: str, parent: Element, lines: list[str]) -> str:
    """Return ``text`` with lines before the end of ``parent``."""
    outer = _indent(text, parent.start)
    body = newline(text) + _joined(lines, outer + "  ", text)
    if parent.is_empty_tag:
        head = text[: parent.end - 2].rstrip()
        return f"{head}>{body}{newline(text)}{outer}</{parent.tag}>{text[parent.end :]}"
    before = text[: parent.close].rstrip()
    return f"{before}{body}{newline(text)}{outer}{text[parent.close :]}"


def _joined(lines: list[str], indent: str, text: str) -> str:
    return newline(text).join(indent + line for line in lines)


def _indent(text: str, offset: int) -> str:
    before = text[:offset].replace("\r", "\n").rpartition("\n")[2]
    return before[: len(before) - len(before.lstrip())]


def _wrapped(outer: list[str], lines: list[str]) -> list[str]:
    for tag in reversed(outer):
        lines = [tag, *(f"  {line}" for line in lines), f"</{tag[1:].partition(' ')[0].rstrip('>')}>"]
    return lines


def _open(tag: str, given: dict[str, str]) -> str:
    return f"<{' '.join([tag, *(f'{name}={quoteattr(value)}' for name, value in given.items())])}>"


def _option(name: str, value: str) -> str:
    return f'<option name="{name}" value={quoteattr(value)} />'


def _item(pattern: str) -> list[str]:
    options = [_option("pattern", "true"), _option("path", pattern), _option("mappingKind", "Pattern")]
    return _wrapped(["<Item>"], options)


def _entry(patterns: list[str]) -> list[str]:
    items = [line for pattern in patterns for line in _item(pattern)]
    listed = _wrapped(['<option name="patterns">', "<list>"], items)
    options = [_option("name", NAME), _option("relativePathToSchema", SCHEMA)]
    options.append(_option("schemaVersion", "JSON Schema version 7"))
    return _wrapped([_open("entry", {"key": NAME}), "<value>", "<SchemaInfo>"], [*options, *listed])
