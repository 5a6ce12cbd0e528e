"""Whether what ``requires`` asks for is installed. Slow to import, so only done when a config has ``requires``."""

from __future__ import annotations

import importlib.metadata

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion

from quark_core.config.faults.words import shown
from quark_core.config.reading.document import Document, Path
from quark_core.errors import Problem

_LONGEST = 1000


def bad_requirement(document: Document, path: Path, text: str) -> Problem | None:
    """Return what is wrong with an entry of ``requires``, or None."""
    if len(text) > _LONGEST:
        return document.fault(path, f"longer than {_LONGEST} characters", code="limit")
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        fix = 'write a name and versions, such as "quark-acme>=0.1"'
        return document.fault(path, f"{shown(text)} is not a requirement: {reason}", fix, code="requirement")
    if refused := _refused(requirement):
        fix = f"write {requirement.name}{requirement.specifier}"
        return document.fault(path, f"requires takes a name and versions only, no {refused}", fix, code="requirement")
    message = _unmet(requirement)
    return document.fault(path, message, f"pip install '{requirement}'", code="requires") if message else None


def _refused(requirement: Requirement) -> str:
    if requirement.url:
        return "URL"
    if requirement.extras:
        return "extras"
    return "environment marker" if requirement.marker else ""


def _unmet(requirement: Requirement) -> str:
    try:
        found = importlib.metadata.version(requirement.name)
        met = requirement.specifier.contains(found, prereleases=True)
    except importlib.metadata.PackageNotFoundError:
        return f"{requirement.name} is not installed"
    except (InvalidVersion, KeyError, TypeError):
        return f"the installed version of {requirement.name} cannot be read"
    return "" if met else f"{requirement.name} {found} is installed, which is not {requirement.specifier}"
