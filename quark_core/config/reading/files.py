"""Files on disk: found, opened and decoded within bounds."""

from __future__ import annotations

import difflib
from pathlib import Path

from quark_core.config.reading.document import Document
from quark_core.config.reading.formats import read
from quark_core.config.reading.limits import SIZE
from quark_core.config.reading.source import Source
from quark_core.errors import Place, Problem

EXTENSIONS = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".toml": "toml"}
"""The format that a file's extension names."""

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_file(path: str | Path) -> Document:
    """Read a config file. Never raises: what is wrong stands in ``problems``."""
    path = Path(path)
    try:
        refused = _refuse(path)
        data = b"" if refused else _bytes(path)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return _failed(path, f"the file cannot be read: {reason}", code="unreadable")
    if refused:
        return refused
    if len(data) > SIZE:
        return _failed(path, f"the file is larger than {SIZE:,} bytes", code="limit")
    return _decoded(path, data)


def _refuse(path: Path) -> Document | None:
    if path.is_dir():
        return _failed(path, "this is a directory, not a config file", "name a file in it", "unreadable")
    if not path.exists():
        return _failed(path, "there is no such file", _near(path), "unreadable")
    if not path.is_file():
        return _failed(path, "this is not a regular file", code="unreadable")
    if path.suffix.lower() not in EXTENSIONS:
        known = ", ".join(EXTENSIONS)
        found = f"extension {path.suffix!r}" if path.suffix else "a name without extension"
        message = f"{found} does not say which format the file is in; known are {known}"
        return _failed(path, message, "rename the file", "extension")
    return None


def _near(path: Path) -> str:
    if not path.parent.is_dir():
        return f"there is no directory {str(path.parent)!r} either"
    names = [entry.name for entry in path.parent.iterdir() if entry.suffix.lower() in EXTENSIONS]
    near = difflib.get_close_matches(path.name, names, 1)
    return f"did you mean {str(path.parent / near[0])!r}?" if near else ""


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(SIZE + 1)


def _decoded(path: Path, data: bytes) -> Document:
    if data.startswith(_UTF16):
        return _failed(path, "the file is UTF-16", "save it as UTF-8", "encoding")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        source = Source(str(path), data.decode(errors="replace"), "")
        start = len(data[: error.start].decode())
        message = f"the file is not UTF-8: byte 0x{data[error.start]:02x} does not belong here"
        problem = source.problem((start, start + 1), message, "save it as UTF-8", "encoding")
        return Document(source, problems=[problem])
    return read(text, EXTENSIONS[path.suffix.lower()], str(path))


def _failed(path: Path, message: str, fix: str = "", code: str = "invalid") -> Document:
    problem = Problem(message, fix, place=Place(str(path), 1, 1), code=code)
    return Document(Source(str(path), "", ""), problems=[problem])
