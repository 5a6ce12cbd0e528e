"""Plugins are found by their installed metadata, each once, and blocked before they are imported."""

import pytest

from quark_core.plugin.discovery import BUNDLED_BY, chosen_entry_points
from quark_core.registry import Registry
from tests.unit.plugin.conftest import GOOD, Site, plugin

TELLTALE = "from pathlib import Path\nPath(__file__).with_suffix('.imported').touch()\n" + GOOD


def imported(site: Site, name: str) -> bool:
    return (site.folder / f"quark_{name}_plugin.imported").exists()


def names(registry: Registry) -> list[str]:
    return [p.name for p in registry.plugins]


def test_an_installed_distribution_is_found(site: Site) -> None:
    site.plugin("acme")
    registry = site.load()
    found = plugin(registry, "acme")
    assert (found.dist, found.bundled, found.error) == ("quark-acme 0.1", False, None)
    assert found.adds == (("dtype", "acme.int3"),)
    assert registry.owner("dtype", "acme.int3") is found


def test_bundled_plugins_come_first_and_say_so(site: Site) -> None:
    site.plugin("aaa")
    bundled = [p.bundled for p in site.load().plugins]
    assert bundled == sorted(bundled, reverse=True)
    assert bundled.count(True) >= 7


def test_one_distribution_may_hold_many_plugins(site: Site) -> None:
    site.module("one", GOOD.replace("{prefix}", "one"))
    site.module("two", GOOD.replace("{prefix}", "two"))
    site.distribution("pair", "one = one\ntwo = two")
    registry = site.load()
    assert plugin(registry, "one").dist == plugin(registry, "two").dist == "pair 0.1"
    assert {"one.int3", "two.int3"} <= set(registry.dtypes())


def test_an_entry_point_may_name_an_object_in_a_module(site: Site) -> None:
    source = """
from quark_core.plugin import DtypeSpec, IntFormat, hookimpl
class Manifest:
    QUARK_API = 1
    @hookimpl
    def quark_dtypes(self):
        return [DtypeSpec("acme.int3", IntFormat(3))]
plugin = Manifest()
"""
    site.module("acme_object", source)
    site.distribution("quark-acme", "acme = acme_object:plugin")
    assert "acme.int3" in site.load().dtypes()


def test_only_the_plugins_listed_are_imported(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.plugin("acme", TELLTALE)
    site.plugin("other", TELLTALE)
    monkeypatch.setenv("QUARK_PLUGINS", " acme , quark_dtypes,")
    assert names(site.load()) == ["quark_dtypes", "acme"]
    assert (imported(site, "acme"), imported(site, "other")) == (True, False)


def test_a_disabled_plugin_is_never_imported(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.plugin("acme", TELLTALE)
    site.plugin("other", TELLTALE)
    monkeypatch.setenv("QUARK_DISABLE_PLUGINS", "other,quark_ipu")
    found = names(site.load())
    assert "acme" in found
    assert not {"other", "quark_ipu"} & set(found)
    assert (imported(site, "acme"), imported(site, "other")) == (True, False)


def test_disabling_wins_over_listing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.plugin("acme", TELLTALE)
    monkeypatch.setenv("QUARK_PLUGINS", "acme")
    monkeypatch.setenv("QUARK_DISABLE_PLUGINS", "acme")
    assert names(site.load()) == []
    assert not imported(site, "acme")


def test_an_empty_list_gives_an_empty_registry(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.plugin("acme", TELLTALE)
    monkeypatch.setenv("QUARK_PLUGINS", "")
    registry = site.load()
    assert (registry.plugins, dict(registry.dtypes())) == ([], {})
    assert not imported(site, "acme")


def test_an_empty_disable_list_disables_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.plugin("acme")
    monkeypatch.setenv("QUARK_DISABLE_PLUGINS", "")
    assert plugin(site.load(), "acme").error is None


def test_egg_info_beside_dist_info_counts_once(site: Site) -> None:
    site.plugin("acme")
    site.distribution("quark-acme", "acme = quark_acme_plugin", egg=True)
    assert plugin(site.load(), "acme").error is None


def test_two_versions_of_one_distribution_count_once(site: Site) -> None:
    site.plugin("acme")
    site.distribution("Quark_Acme", "acme = quark_acme_plugin", version="0.2")
    assert plugin(site.load(), "acme").error is None


def test_unreadable_metadata_of_a_stranger_hide_nobody(site: Site) -> None:
    site.plugin("acme")
    site.distribution("stranger", "this line is no entry point")
    registry = site.load()
    assert plugin(registry, "acme").error is None
    assert "int8" in registry.dtypes()


@pytest.mark.parametrize("metadata", ["", "Version: 1\n"], ids=["empty", "nameless"])
def test_a_distribution_without_a_name_is_still_loaded(site: Site, metadata: str) -> None:
    site.module("nameless_plugin", GOOD.replace("{prefix}", "nameless"))
    site.distribution("nameless", "nameless = nameless_plugin", metadata=metadata)
    found = plugin(site.load(), "nameless")
    assert found.error is None
    assert found.dist.startswith("unknown ")


def test_discovery_alone_imports_no_plugin(site: Site) -> None:
    site.plugin("acme", TELLTALE)
    assert "acme" in [found.name for found in chosen_entry_points()]
    assert not imported(site, "acme")


def test_bundled_means_our_distribution_in_any_spelling(site: Site) -> None:
    site.plugin("acme", dist="Quark.Core-extra")
    assert BUNDLED_BY == "quark-core"
    assert not plugin(site.load(), "acme").bundled


def test_a_name_asked_for_that_is_not_installed_is_reported(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.plugin("acme")
    monkeypatch.setenv("QUARK_PLUGINS", "acme,acne")
    registry = site.load()
    assert names(registry) == ["acme", "acne"]
    assert "QUARK_PLUGINS names it" in str(plugin(registry, "acne").error)


@pytest.mark.parametrize(
    ("variable", "value"), [("QUARK_DISABLE_PLUGINS", "acme,quark_dtypes"), ("QUARK_PLUGINS", "quark_cpu")]
)
def test_an_unknown_name_says_when_its_plugin_is_kept_out(
    site: Site, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    site.plugin("acme")
    monkeypatch.setenv(variable, value)
    registry = site.load()
    assert f"plugin 'acme' (quark-acme 0.1) is kept out by {variable}" in registry.explain("dtype", "acme.int3")
    assert f"plugin 'quark_dtypes' (quark-core 0.1.0) is kept out by {variable}" in registry.explain("dtype", "int8")
