"""Where the template is, and which of its files a plugin of some kinds needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from quark_core.errors import UsageError

PACKAGE = "quark_acme"
MANIFEST = f"src/{PACKAGE}/__init__.py"
_REF = re.compile(rf'Ref\("{PACKAGE}\.(\w+):')
_BUILT = {"__pycache__", ".pytest_cache", ".hypothesis", "dist", "build"}


def template() -> Path:
    """Return the folder of the template; raises UsageError when the installation lacks it."""
    # A wheel has it beside this file; a checkout where it is developed and tested.
    places = (Path(__file__).parent / "example", Path(__file__).parents[2] / "plugins" / "example")
    for place in places:
        if (place / MANIFEST).is_file():
            return place
    raise UsageError(f"the template of plugins is missing from {places[0]}; install quark-core again")


def files_for(folder: Path, kinds: Iterable[str], manifest: str) -> Iterator[str]:
    """Yield the paths, relative to ``folder``, that a plugin of ``kinds`` with this ``manifest`` needs."""
    modules = set(_REF.findall(manifest))
    wanted = {"plugin", *kinds}
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        if not path.is_file() or _BUILT & set(inner.parts) or path.suffix == ".pyc":
            continue
        if _wanted(inner, modules, wanted):
            yield inner.as_posix()


def _wanted(path: Path, modules: set[str], kinds: set[str]) -> bool:
    if path.parts[0] == "src":
        return path.as_posix() == MANIFEST or path.stem in modules
    if path.parts[0] in ("tests", "configs"):
        return path.stem.removeprefix("test_") in kinds
    return True
