"""Files that belong to the user: read as they are, replaced whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from quark_core.atomic import replace_file
from quark_core.errors import UsageError

_BOM = "\ufeff"


@dataclass(frozen=True)
class Text:
    """A file's text without its byte order mark; line ends are as in the file."""

    body: str
    bom: str = ""

    def encoded(self, body: str) -> bytes:
        """Return the bytes of the file with another body."""
        return (self.bom + body).encode()


def read_text(path: Path) -> Text:
    """Return the text of a UTF-8 file; raises UsageError when it is missing, unreadable or something else."""
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path}: is not UTF-8 (byte {error.start}), and was left as it is; save it as UTF-8"
        ) from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    return Text(text.removeprefix(_BOM), _BOM if text.startswith(_BOM) else "")


def newline(text: str) -> str:
    r"""Return the line end that ``text`` uses first, or ``\n``."""
    first = min((index for index in (text.find("\n"), text.find("\r")) if index >= 0), default=-1)
    if first < 0 or text[first] == "\n":
        return "\n"
    return "\r\n" if text.startswith("\r\n", first) else "\r"


def write_all(files: Mapping[Path, bytes]) -> list[str]:
    """Write files, making their folders; return a line for each: what was written and what already was as wanted.

    Raises UsageError; a file is whole afterwards, old or new.
    """
    return [f"wrote {path}" if write(path, data) else f"{path}: nothing to change" for path, data in files.items()]


def write(path: Path, data: bytes) -> bool:
    """Write a file if it does not hold ``data`` already, and return whether; raises UsageError."""
    try:
        if path.is_file() and path.read_bytes() == data:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from error
    return True
