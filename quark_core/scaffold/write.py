"""Writes the folder of a new plugin."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from quark_core.errors import UsageError
from quark_core.plugin.hooks import HOOKS
from quark_core.scaffold.manifest import with_hooks
from quark_core.scaffold.template import MANIFEST, PACKAGE, files_for, template

KINDS_OF_HOOKS = {cls.kind: hook for hook, cls in HOOKS.items()}
"""Kind of extension -> the hook that adds it."""
_NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")


def new_plugin(name: str, kinds: Iterable[str], out: Path | None = None) -> tuple[Path, list[str]]:
    """Write a distribution ``quark-NAME`` that adds one extension of each of ``kinds``; return its folder and files.

    ``out`` is the folder, by default ``quark-NAME`` here; it must not exist, or be empty. Raises UsageError.
    """
    if not _NAME.fullmatch(name) or name.startswith("quark"):
        raise UsageError(
            f"plugin name {name!r}: use small letters, digits, '-' and '_', without 'quark', such as 'acme'; "
            "it becomes the prefix of what the plugin adds"
        )
    distribution = f"quark-{name.replace('_', '-')}"
    folder = out or Path(distribution)
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise UsageError(f"{folder}: is there already; give another folder with --out")
    files = _texts(name, distribution, list(kinds))
    try:
        _write(folder, files)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {error.strerror or error}") from error
    return folder, sorted(files)


def _texts(name: str, distribution: str, kinds: list[str]) -> dict[str, str]:
    source = template()
    manifest = with_hooks(_read(source / MANIFEST), (KINDS_OF_HOOKS[kind] for kind in kinds))
    paths = list(files_for(source, kinds, manifest))
    texts = {path: manifest if path == MANIFEST else _read(source / path) for path in paths}
    texts["README.md"] = _without_rows(texts["README.md"], paths)

    def renamed(text: str) -> str:
        text = text.replace(PACKAGE, distribution.replace("-", "_")).replace("quark-acme", distribution)
        return re.sub(r"\bacme\b", name, text)

    return {renamed(path): renamed(text) for path, text in texts.items()}


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _without_rows(readme: str, paths: list[str]) -> str:
    """Return ``readme`` without the rows of its table that tell about files that are not there."""
    rows = (line for line in readme.splitlines(keepends=True))
    return "".join(row for row in rows if not (at := re.match(r"\| `([^`]+)` \|", row)) or at[1] in paths)


def _write(folder: Path, files: dict[str, str]) -> None:
    place = folder.resolve()
    place.parent.mkdir(parents=True, exist_ok=True)
    # Whole or not at all: files appear under their names when everything is written.
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.name}.") as temporary:
        made = Path(temporary) / place.name
        for path, text in files.items():
            (made / path).parent.mkdir(parents=True, exist_ok=True)
            (made / path).write_text(text, encoding="utf-8", newline="\n")
        if not place.is_dir():
            shutil.move(made, place)
            return
        # It stays the same folder: somebody may stand in it.
        for child in made.iterdir():
            shutil.move(child, place / child.name)
