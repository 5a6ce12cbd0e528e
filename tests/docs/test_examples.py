"""Every Python block of every page runs, each page as one program beside one plugin, which passes the kit."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from quark_core.config.load import loads_config
from quark_core.plugin.specs import Spec
from quark_core.registry import KINDS, Registry
from quark_core.testing import DeviceTests, DtypeTests, ModeTests, ObserverTests, RoundingTests
from quark_core.testing.signatures import faults, promise
from quark_core.testing.suite import Suite
from tests.docs.pages import PAGES, ROOT, blocks, files, name_of, path_of

SUITES: dict[str, type[Suite]] = {
    "dtype": DtypeTests,
    "observer": ObserverTests,
    "rounding": RoundingTests,
    "mode": ModeTests,
    "device": DeviceTests,
}
PLUGINS = [page for page in PAGES if "quark_tiny/__init__.py" in files(page)]

CONFIGS = [
    pytest.param(text, id=f"{name_of(page)}: {path}")
    for page in PAGES
    for path, text in files(page).items()
    if path.endswith(".yaml") and page.stem != "tutorial"
]
"""Those of the tutorial need its plugin, and are checked where that is installed."""

Make = Callable[[Path], Registry]


def _tiny(registry: Registry) -> Iterator[tuple[str, Spec]]:
    for kind in KINDS:
        for name, spec in registry.specs(kind).items():
            if name.startswith("tiny."):
                yield kind, spec


def _programs() -> list[Path]:
    return [page for page in PAGES if any(path_of(block) is None for block in blocks(page, "python"))]


@pytest.mark.parametrize("page", _programs(), ids=name_of)
def test_the_python_blocks_run(page: Path, registry_of: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    registry_of(page)
    # Pages name the example plugin, which is installed in packaging tests only.
    monkeypatch.syspath_prepend(ROOT / "plugins" / "example" / "src")
    program: dict[str, Any] = {"__name__": f"docs_{page.stem}"}
    monkeypatch.setitem(sys.modules, program["__name__"], type(sys)(program["__name__"]))
    for block in blocks(page, "python"):
        if path_of(block) is None:
            exec(compile(block, str(page), "exec"), program)  # noqa: S102 - our own pages


@pytest.mark.parametrize("page", PLUGINS, ids=name_of)
def test_what_the_page_adds_keeps_its_protocol(page: Path, registry_of: Make) -> None:
    added = list(_tiny(registry_of(page)))
    assert added
    for _, spec in added:
        promised = promise(spec)
        assert list(faults(*promised)) == [] if promised else spec.kind == "dtype"


@pytest.mark.parametrize("page", PLUGINS, ids=name_of)
def test_what_the_page_adds_passes_the_kit(page: Path, registry_of: Make) -> None:
    for kind, spec in _tiny(registry_of(page)):
        suite = type(f"Test_{spec.name}", (SUITES[kind],), {"spec": spec})
        checks = [name for name in dir(suite) if name.startswith("test_")]
        assert len(checks) >= 9
        for check in checks:
            getattr(suite(), check)()


@pytest.mark.parametrize("text", CONFIGS)
def test_the_configs_are_valid(text: str) -> None:
    assert loads_config(text, "yaml").to_dict()["version"] == 1
