"""The line in a config file that names its schema."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from quark_core.config.reading.files import EXTENSIONS
from quark_core.editors.files import newline, read_text
from quark_core.editors.jsonc import Jsonc
from quark_core.errors import UsageError

SCHEMA_NAME = "quark.schema.json"
"""Name of the schema file beside a config."""

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|$)")
_YAML = re.compile(r"([ \t]*#[ \t]+(?:yaml-language-server[ \t]*:.*?\$schema[=:]|\$schema:)[ \t]*)([^\s#]+)")
_TOML = re.compile(r"([ \t]*#:schema[ \t]+)(\S+)")
_KNOWN = {"yaml": (_YAML, "# yaml-language-server: $schema="), "toml": (_TOML, "#:schema ")}
_HEAD = {
    "yaml": re.compile(r"[ \t]*(?:#|[\r\n]|$)|%|---[ \t]*(?:#|[\r\n]|$)"),
    "toml": re.compile(r"[ \t]*(?:#|[\r\n]|$)"),
}
"""What may stand before the first key: comments, blank lines and YAML's directives."""


def modeline_files(configs: Sequence[Path], schema: str, out: Path | None) -> dict[Path, bytes]:
    """Return the files to write: the schema, to ``out`` or beside each config, and the configs that name it.

    Raises UsageError for a config that is missing, has no known extension or, in JSON, is broken.
    """
    schemas = {config: out or config.parent / SCHEMA_NAME for config in configs}
    texts = {config: _tied(config, schemas[config]) for config in configs}
    return {**{path: schema.encode() for path in schemas.values()}, **texts}


def _tied(config: Path, schema: Path) -> bytes:
    name = EXTENSIONS.get(config.suffix.lower())
    if name is None:
        raise UsageError(f"{config}: unknown extension {config.suffix!r}; known are {', '.join(EXTENSIONS)}")
    found = read_text(config)
    reference = schema_reference(config, schema, name)
    return found.encoded(with_modeline(found.body, name, reference, str(config)))


def schema_reference(config: Path, schema: Path, name: str) -> str:
    """Return what a config in format ``name`` calls its schema: a relative path, in JSON and TOML a relative URL.

    Raises UsageError when YAML's editors could not read it.
    """
    try:
        path = Path(os.path.relpath(schema.resolve(), config.resolve().parent)).as_posix()
    except ValueError:  # another drive
        return schema.resolve().as_uri()
    path = path if path.startswith("../") else f"./{path}"
    if name != "yaml":
        return quote(path)
    if re.search(r"[\s#]", path):
        raise UsageError(f"{config}: a YAML modeline cannot name {path!r}: editors stop at a blank; choose another")
    return path


def with_modeline(text: str, name: str, reference: str, file: str) -> str:
    """Return the text of a config in format ``name``, naming ``reference`` as its schema; the rest stays as it is."""
    return _with_key(text, reference, file) if name == "json" else _with_comment(text, name, reference)


def _with_key(text: str, reference: str, file: str) -> str:
    config = Jsonc(file, text)
    config.expect((), dict, "an object")
    if "$schema" not in config.value:
        config.put_first("$schema", reference)
    elif config.value["$schema"] != reference:
        config.set(("$schema",), reference)
    return config.text


def _with_comment(text: str, name: str, reference: str) -> str:
    known, start = _KNOWN[name]
    position = 0
    for line in _LINE.findall(text):
        if not _HEAD[name].match(line):
            break
        if found := known.match(line):
            return text[: position + found.start(2)] + reference + text[position + found.end(2) :]
        position += len(line)
    end = newline(text)
    first = _LINE.findall(text)[0] if text.startswith("#!") else ""
    gap = "" if not first or first.endswith(("\n", "\r")) else end
    return f"{first}{gap}{start}{reference}{end}{text[len(first) :]}"
