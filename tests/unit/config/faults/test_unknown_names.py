"""What to do about a name that no plugin adds: it depends on why none does."""

from __future__ import annotations

import pytest

from quark_core.config.load import loads_config
from quark_core.errors import ConfigError, PluginLoadError
from quark_core.plugin.discovery import Found, all_entry_points
from quark_core.registry import Plugin, Registry
from tests.contract.acme import acme_registry, bundled_registry


def fix(name: str, registry: Registry) -> str:
    with pytest.raises(ConfigError) as caught:
        loads_config(f"weight: {{dtype: {name}}}\n", "yaml", registry=registry)
    (problem,) = caught.value.problems
    return problem.fix


def found(name: str, kept_out_by: str = "") -> Found:
    entry_point = next(iter(all_entry_points())).entry_point
    return Found(name, f"quark-{name} 0.1", bundled=False, entry_point=entry_point, kept_out_by=kept_out_by)


def test_a_misspelt_name() -> None:
    assert fix("int9", bundled_registry()) == "write int8"


def test_a_misspelt_plugin() -> None:
    registry = bundled_registry()
    registry.unread.append(found("lns"))
    assert fix("lsn.log8", registry) == "write lns.log8"


def test_a_plugin_that_is_kept_out() -> None:
    registry = bundled_registry()
    registry.kept_out.append(found("lns", "QUARK_DISABLE_PLUGINS"))
    assert fix("lns.log8", registry) == "let the plugin in, or choose another one"


def test_a_plugin_that_is_broken() -> None:
    registry = bundled_registry()
    error = PluginLoadError("lns", "quark-lns 0.1", "failed to import")
    registry.plugins.append(Plugin("lns", "quark-lns 0.1", error=error))
    assert fix("lns.log8", registry) == "mend or update that plugin, or choose another one"


def test_a_plugin_that_is_there_and_does_not_add_it() -> None:
    registry = acme_registry()
    registry.plugins[-1].dist = "quark-acme 0.1"
    with pytest.raises(ConfigError, match=r"'acme\.zz': quark-acme 0\.1 is installed and adds acme\.int3, acme"):
        loads_config("weight: {dtype: acme.zz}\n", "yaml", registry=registry)
    assert fix("acme.zz", registry) == "choose another one, or install the version that adds it"


def test_a_plugin_that_is_not_there() -> None:
    assert fix("nova.log8", bundled_registry()) == "install the plugin that adds it, or choose another one"
