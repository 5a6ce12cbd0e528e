"""Nothing that is bundled goes without its suite."""

import importlib
from pathlib import Path

from quark_core.registry import installed
from quark_core.testing import PluginTests
from quark_core.testing.suite import Suite

HERE = Path(__file__).parent


def suites() -> list[type[Suite]]:
    """Return every suite class in this folder."""
    names = sorted(path.stem for path in HERE.glob("test_quark_*.py"))
    modules = [importlib.import_module(f"tests.plugins.{name}") for name in names]
    found = [thing for module in modules for thing in vars(module).values() if isinstance(thing, type)]
    return [cls for cls in found if issubclass(cls, Suite) and cls.__test__]


def test_every_bundled_plugin_has_its_suite() -> None:
    tested = sorted(cls.module for cls in suites() if issubclass(cls, PluginTests))
    assert tested == [plugin.name for plugin in installed().plugins if plugin.bundled]


def test_every_bundled_spec_has_its_suite() -> None:
    tested = sorted((cls.spec.kind, cls.spec.name) for cls in suites() if hasattr(cls, "spec"))
    bundled = sorted(added for plugin in installed().plugins if plugin.bundled for added in plugin.adds)
    assert tested == bundled, "write a suite for what is new: tests/plugins/test_<plugin>.py"
