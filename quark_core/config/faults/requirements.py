"""Whether what ``requires`` asks for is installed. Slow to import, so only done when a config has ``requires``."""

from __future__ import annotations

import difflib
import importlib.metadata

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion

from quark_core.config.faults.words import shown
from quark_core.config.reading.document import Document, Path
from quark_core.errors import Problem
from quark_core.plugin.discovery import all_entry_points

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
    if not message:
        return None
    # Whoever installs a misspelt name may install a stranger's package.
    meant = _meant(requirement.name) if message.endswith("is not installed") else ""
    if meant:
        fix = f"write {meant}{requirement.specifier}"
        return document.fault(path, f"{message}; did you mean {meant}, which is?", fix, code="requires")
    return document.fault(path, message, f"pip install '{requirement}'", code="requires")


def _refused(requirement: Requirement) -> str:
    if requirement.url:
        return "URL"
    if requirement.extras:
        return "extras"
    return "environment marker" if requirement.marker else ""


def _meant(name: str) -> str:
    """Return the installed distribution whose plugin is called ``name``, or whose own name is close to it."""
    dists = {found.name: found.dist.partition(" ")[0] for found in all_entry_points() if not found.bundled}
    near = difflib.get_close_matches(name, dists.values(), 1, cutoff=0.8)
    return dists.get(name) or (near[0] if near else "")


def _unmet(requirement: Requirement) -> str:
    try:
        found = importlib.metadata.version(requirement.name)
        met = requirement.specifier.contains(found, prereleases=True)
    except importlib.metadata.PackageNotFoundError:
        return f"{requirement.name} is not installed"
    except (InvalidVersion, KeyError, TypeError):
        return f"the installed version of {requirement.name} cannot be read"
    return "" if met else f"{requirement.name} {found} is installed, which is not {requirement.specifier}"
