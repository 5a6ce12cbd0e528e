"""What is said about a config of an older version."""

from __future__ import annotations

import shlex

from quark_core.config.migration.steps import History, declared, shipped
from quark_core.config.reading.document import Document
from quark_core.errors import Problem


def outdated(document: Document, history: History | None = None) -> Problem | None:
    """Return the one problem of a config that is of an older version; None for any other."""
    history = history or shipped()
    version = declared(document.value)
    if version is None or not history.is_older(version):
        return None
    said = "this is" if "version" in document.value else "without a version this is"
    message = f"{said} version {version} of the config format; this Quark Core reads version {history.current}"
    return document.fault(("version",), message, _command(document.source.file), code="old_version")


def _command(file: str) -> str:
    if file[:1] == "<":
        # A text that is no file has a name such as <string>.
        return "save it as a file, then run: quark migrate FILE"
    return f"run: quark migrate {shlex.quote(file)}"
