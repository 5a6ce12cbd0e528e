"""Which files are configs, as far as their names say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from quark_core.config.reading.files import EXTENSIONS
from quark_core.errors import UsageError

ANYWHERE = "**/"

# A folder called `quark` is no sign: AMD Quark's own package is called so, and holds other files.
DEFAULT = tuple(f"{ANYWHERE}{stem}{extension}" for extension in EXTENSIONS for stem in ("quark", "*.quark"))
"""``quark.yaml`` and ``int8.quark.yaml``, in every format and in any folder."""

_REFUSED = frozenset("\\{}[]!?,")


def checked(globs: Iterable[str]) -> tuple[str, ...]:
    """Return globs that every editor reads alike, matching in any folder; raises UsageError for others."""
    return tuple(dict.fromkeys(_checked(glob) for glob in globs))


def _checked(glob: str) -> str:
    if PurePosixPath(glob).suffix.lower() not in EXTENSIONS:
        raise UsageError(f"--glob {glob!r}: must end in one of {', '.join(EXTENSIONS)}, which say the format")
    if wrong := sorted(set(glob) & _REFUSED):
        raise UsageError(f"--glob {glob!r}: editors disagree about {' '.join(wrong)}; write one --glob for each case")
    if glob.startswith(("/", "./", "../")) or "/../" in glob:
        raise UsageError(f"--glob {glob!r}: a glob matches in any folder; start it with a name, such as configs/*.yaml")
    return glob if glob.startswith(ANYWHERE) else ANYWHERE + glob


def of_format(globs: Sequence[str], name: str) -> list[str]:
    """Return those of ``globs`` that match files in a format."""
    return [glob for glob in globs if EXTENSIONS[PurePosixPath(glob).suffix.lower()] == name]
