"""Every exception that Quark Core raises on purpose.

QuarkError
├── ConfigError               a config file or a config object is wrong; .problems lists every fault
├── PlanError                 a config does not fit the model; .problems lists every fault
├── PluginError               a plugin broke; .plugin and .dist say which
│   ├── PluginLoadError           it does not import, or a hook raised
│   ├── PluginApiError            it breaks the plugin contract
│   └── DuplicateNameError        a name that it adds is taken
├── UnknownNameError          no installed plugin adds what was named
├── ModelError                the model given cannot be used
├── DataError                 calibration data are missing or unusable
├── DeviceError               the device cannot do what is asked
├── VerificationError         the quantized model falls short of what the config's verify asks; .report tells more
├── ArtifactError             a saved folder cannot be written or read
└── UsageError                a command line argument or a function argument is wrong
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where in a file something stands; ``line`` and ``column`` count from 1."""

    file: str
    line: int
    column: int
    length: int = 1
    """Characters to underline."""
    source: str = ""
    """The whole source line, without its end."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


def dotted(path: Iterable[str | int]) -> str:
    """Return keys and list indexes as people write them: ``layers[0].weight.dtype``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


@dataclass(frozen=True)
class Problem:
    """One fault: what is wrong and why, how to fix it, and where it is."""

    message: str
    fix: str = ""
    path: tuple[str | int, ...] = ()
    """Keys and list indexes from the config's root, such as ``("layers", 0, "weight", "dtype")``."""
    place: Place | None = None
    code: str = "invalid"
    """Stable, short identifier of the kind of fault."""

    @property
    def dotted(self) -> str:
        """``path`` as people write it: ``layers[0].weight.dtype``."""
        return dotted(self.path)

    def __str__(self) -> str:
        where = str(self.place) if self.place else ""
        dotted = self.dotted if len(self.dotted) <= _WIDTH else f"{self.dotted[:_WIDTH]}…"
        lines = [_printable(": ".join(part for part in (where, dotted, self.message) if part))]
        if self.place and self.place.source:
            lines += _excerpt(self.place)
        if self.fix:
            lines.append(f"     fix: {_printable(self.fix)}")
        return "\n".join(lines)


_WIDTH = 120
"""Characters of a source line that are printed."""
_BEFORE = 60
"""How many of these may stand before the caret."""


def _excerpt(place: Place) -> list[str]:
    offset = place.column - 1
    start = max(0, min(offset - _BEFORE, len(place.source) - _WIDTH))
    end = start + _WIDTH
    head, tail = "…" if start else "", "…" if end < len(place.source) else ""
    source = head + _printable(place.source[start:end]) + tail
    before = head + _printable(place.source[start:offset])
    marked = _printable(place.source[offset : min(end, offset + max(1, place.length))]) or " "
    gutter = f"{place.line:>4} | "
    blank = "".join(c if c == "\t" else " " * _columns(c) for c in before)
    return [gutter + source, " " * (len(gutter) - 2) + "| " + blank + "^" * sum(map(_columns, marked))]


def _printable(text: str) -> str:
    # A config file must not steer the terminal: escape sequences and line ends in it are shown, not obeyed.
    return text if text.isprintable() else "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in text)


def _columns(character: str) -> int:
    if character.isascii():
        return 1
    import unicodedata

    return 0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1


class QuarkError(Exception):
    """Base of all errors raised on purpose; its text is written for the user."""


class _ProblemsError(QuarkError):
    def __init__(self, problems: Iterable[Problem] | Problem | str) -> None:
        given = Problem(problems) if isinstance(problems, str) else problems
        self.problems = (given,) if isinstance(given, Problem) else tuple(given)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n\n".join(str(problem) for problem in self.problems)


class ConfigError(_ProblemsError):
    """A config is wrong; ``problems`` holds every fault found."""


class PlanError(_ProblemsError):
    """A config does not fit the model; ``problems`` holds every fault found."""


class PluginError(QuarkError):
    """A plugin broke. ``plugin`` is its entry point's name, ``dist`` its distribution and version."""

    def __init__(self, plugin: str, dist: str, message: str) -> None:
        super().__init__(plugin, dist, message)
        self.plugin = plugin
        self.dist = dist
        self.message = message

    def __str__(self) -> str:
        return f"plugin {self.plugin!r} ({self.dist}): {self.message}"


class PluginLoadError(PluginError):
    """A plugin does not import, or one of its hooks raised."""


class PluginApiError(PluginError):
    """A plugin breaks the contract: API version, hook names, what a hook returns, how names are formed."""


class DuplicateNameError(PluginError):
    """A plugin adds a name that another one already added."""


class UnknownNameError(QuarkError):
    """No installed plugin adds what was named."""


class ModelError(QuarkError):
    """The model given cannot be used; the text names the layer."""


class DataError(QuarkError):
    """Calibration data are missing or unusable; the text names the layer or the batch."""


class DeviceError(QuarkError):
    """The device cannot do what is asked."""


class VerificationError(QuarkError):
    """The quantized model falls short of what ``verify`` asks; ``report`` is the whole report."""

    def __init__(self, message: str, report: object) -> None:
        super().__init__(message)
        self.report = report


class ArtifactError(QuarkError):
    """A saved folder cannot be written or read."""


class UsageError(QuarkError):
    """An argument is wrong; the text says which and what to give instead."""
