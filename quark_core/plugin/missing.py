"""Says whether a Ref leads somewhere, without importing anything."""

from __future__ import annotations

import ast
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from quark_core.plugin.formats import CodecFormat
from quark_core.plugin.ref import Ref
from quark_core.plugin.specs import DtypeSpec, Spec


def missing_code(spec: Spec) -> str | None:
    """Return what is missing of the torch code that ``spec`` points at; None when it is there, or nobody can tell."""
    ref: Ref[Any] | None = spec.impl if not isinstance(spec, DtypeSpec) else None
    if isinstance(spec, DtypeSpec) and isinstance(spec.format, CodecFormat):
        ref = spec.format.codec
    if ref is None:
        return None
    module, _, name = ref.path.partition(":")
    if module in sys.modules:
        return None if hasattr(sys.modules[module], name) else f"Ref({ref.path!r}): {module} defines no {name!r}"
    found = _find(module)
    if isinstance(found, str):
        return f"Ref({ref.path!r}): there is no module {found!r}"
    if found is not None and _lacks(found, name):
        return f"Ref({ref.path!r}): {module} defines no {name!r}"
    return None


def _find(module: str) -> ModuleSpec | str | None:
    """Return the module's spec; the name of the part that is not there; or None where only an import could tell."""
    path: list[str] | None = None
    spec: ModuleSpec | None = None
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        name = ".".join(parts[:end])
        spec = PathFinder.find_spec(name, path)
        if spec is None:
            # Other finders, such as those of editable installs, may know what folders do not show.
            return name if end > 1 else None
        path = list(spec.submodule_search_locations or ())
    return spec


def _lacks(spec: ModuleSpec, name: str) -> bool:
    if spec.origin is None or not spec.origin.endswith(".py"):
        return False
    try:
        tree = ast.parse(Path(spec.origin).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {getattr(node, "name", "") for node in ast.walk(tree)}
    imported = [
        alias for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names
    ]
    names |= {(alias.asname or alias.name).partition(".")[0] for alias in imported}
    return not names & {name, "*", "__getattr__", "globals", "setattr"}
