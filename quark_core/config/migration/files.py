"""Migrates config files in place."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from quark_core.atomic import replace_file
from quark_core.config.faults.words import describe
from quark_core.config.migration.rewrite import Rewritten, rewritten
from quark_core.config.migration.steps import History, declared, shipped
from quark_core.config.reading.document import NOTHING, Document
from quark_core.config.reading.files import read_file
from quark_core.config.version import newer_words
from quark_core.errors import ConfigError, Problem, UsageError

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Migration:
    """What migrating a file comes to; nothing is written yet."""

    path: Path
    text: Rewritten
    bom: bool
    """Whether the file starts with a byte order mark, which stays."""

    @property
    def changes(self) -> bool:
        """Whether the file is of an older version."""
        return bool(self.text.steps)

    def diff(self) -> str:
        """Return the change as a unified diff; empty where there is none."""
        before, after = _lines(self.text.before), _lines(self.text.after)
        return "".join(_ended(difflib.unified_diff(before, after, str(self.path), str(self.path))))

    def write(self) -> None:
        """Put the new text in the file's place, whole or not at all; a link stays a link. Raises UsageError."""
        try:
            replace_file(self.path, ("\ufeff" * self.bom + self.text.after).encode())
        except OSError as error:
            raise UsageError(f"{self.path}: cannot be written: {error.strerror or error}") from error


def migration(path: str | Path, history: History | None = None) -> Migration:
    """Return what brings a config file to the current version.

    Raises ConfigError when the file cannot be read, says no version or a newer one, or cannot be migrated by itself.
    """
    history = history or shipped()
    path = Path(path)
    document = read_file(path)
    if document.problems or document.value is NOTHING:
        raise ConfigError(document.problems)
    if problem := _unusable(document, history):
        raise ConfigError([problem])
    with path.open("rb") as file:
        bom = file.read(len(_BOM)) == _BOM
    return Migration(path, rewritten(document, history), bom)


def _unusable(document: Document, history: History) -> Problem | None:
    if not isinstance(document.value, dict):
        return document.fault((), f"expected an object, found {describe(document.value)}", code="type")
    version = declared(document.value)
    if version is not None and history.is_newer(version):
        message, fix = newer_words(version, history.current)
        return document.fault(("version",), message, fix, code="new_version")
    if version == history.current or history.is_older(version):
        return None
    known = f"{history.oldest} to {history.current}" if history.steps else str(history.current)
    message = f"expected {known}, found {describe(document.value['version'])}"
    return document.fault(("version",), message, f"write the version of the file: {known}", code="unknown_value")


def _lines(text: str) -> list[str]:
    # Not splitlines: that also splits at characters that end no line here.
    *lines, last = text.split("\n")
    return [f"{line}\n" for line in lines] + [last] * bool(last)


def _ended(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
