"""VS Code: the keys of ``.vscode/settings.json`` that say which schema YAML, JSON and TOML files have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from quark_core.config.reading.document import Path as At
from quark_core.editors.files import Text, newline, read_text
from quark_core.editors.globs import of_format
from quark_core.editors.jsonc import BLANKS, Jsonc, without_comments

SCHEMA = "./.vscode/quark.schema.json"
"""Where the schema lies, from the project's folder."""

YAML, JSON, TOML = "yaml.schemas", "json.schemas", "evenBetterToml.rules"
"""Settings of the extension `redhat.vscode-yaml`, of VS Code itself and of the extension `tamasfe.even-better-toml`."""


def vscode_files(folder: Path, schema: str, globs: Sequence[str]) -> dict[Path, bytes]:
    """Return the files to write for a project in ``folder``: the schema, and the settings with ``globs`` added.

    Raises UsageError when the settings are broken or hold something else under the keys that are needed.
    """
    path = folder / ".vscode" / "settings.json"
    found = read_text(path) if path.exists() else Text("")
    settings = merged(str(path), found.body, globs)
    return {folder / SCHEMA: schema.encode(), path: found.encoded(settings)}


def merged(file: str, text: str, globs: Sequence[str]) -> str:
    """Return the text of settings with what is missing added; ``file`` is their name in messages."""
    settings = _opened(file, text)
    settings.expect((), dict, "an object")
    if yaml := of_format(globs, "yaml"):
        _add_yaml(settings, yaml)
    if json := of_format(globs, "json"):
        _add_to_list(settings, JSON, {"fileMatch": json, "url": SCHEMA}, ("url",), "fileMatch")
    if toml := of_format(globs, "toml"):
        # Not `evenBetterToml.schema.associations`: a relative path there is taken from the folder above the
        # project (https://github.com/tamasfe/taplo/issues/479); one in a rule is taken from the project.
        rule: dict[str, object] = {"name": "quark", "include": toml, "schema": {"path": SCHEMA}}
        _add_to_list(settings, TOML, rule, ("schema", "path"), "include")
    return settings.text


def _opened(file: str, text: str) -> Jsonc:
    if without_comments(text).strip():
        return Jsonc(file, text)
    # VS Code takes an empty file, or one of comments alone, for settings without keys.
    head = text.rstrip(BLANKS)
    return Jsonc(file, f"{head}{newline(text) if head else ''}{{}}{newline(text)}")


def _add_yaml(settings: Jsonc, globs: list[str]) -> None:
    if settings.at((YAML,)) is None:
        settings.add((), {SCHEMA: globs}, YAML)
        return
    settings.expect((YAML,), dict, "an object")
    if settings.at((YAML, SCHEMA)) is None:
        settings.add((YAML,), globs, SCHEMA)
    else:
        _extend(settings, (YAML, SCHEMA), globs)


def _add_to_list(settings: Jsonc, key: str, entry: dict[str, object], known_by: At, globs: str) -> None:
    wanted = entry[globs]
    if settings.at((key,)) is None:
        settings.add((), [entry], key)
        return
    settings.expect((key,), list, "a list")
    for index in range(len(settings.at((key,)))):
        if settings.at((key, index, *known_by)) == SCHEMA and isinstance(wanted, list):
            if settings.at((key, index, globs)) is None:
                settings.add((key, index), wanted, globs)
            else:
                _extend(settings, (key, index, globs), wanted)
            return
    settings.add((key,), entry)


def _extend(settings: Jsonc, path: At, globs: list[str]) -> None:
    if isinstance(said := settings.at(path), str):
        if missing := [glob for glob in globs if glob != said]:
            settings.set(path, [said, *missing])
        return
    settings.expect(path, list, "a glob or a list of globs")
    for glob in globs:
        if glob not in settings.at(path):
            settings.add(path, glob)
