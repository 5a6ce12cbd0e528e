"""For each check of PluginTests there is a plugin that it refuses."""

from __future__ import annotations

import pytest

from quark_core.errors import PluginApiError
from quark_core.testing import PluginTests
from tests.contract.faults import checks, every_check_has_a_fault, fails, passes
from tests.unit.plugin.conftest import Site, site

__all__ = ["site"]

SOUND = '''
from typing import Literal
from pydantic import Field
from quark_core.plugin import *

QUARK_API = 1

class EmaOptions(Options):
    """Average."""
    name: Literal["acme.ema"] = "acme.ema"
    momentum: float = Field(0.9, ge=0, lt=1)
    """Weight kept."""

INT3 = DtypeSpec("acme.int3", IntFormat(3), "3-bit integer.")
EMA = ObserverSpec(EmaOptions, Ref("quark_observers.min_max:MinMax"))

@hookimpl
def quark_dtypes():
    return [INT3]

@hookimpl
def quark_observers():
    return [EMA]
'''
NEW_EACH_TIME = '[DtypeSpec("acme.int3", IntFormat(3), str(object()))]'
LOOSE = """
class Loose(DtypeSpec):
    __setattr__ = object.__setattr__
    __hash__ = DtypeSpec.__hash__
INT3 = Loose("acme.int3", IntFormat(3), "3-bit integer.")
"""

FAULTS: dict[str, tuple[str, str]] = {
    "test_it_says_which_api_it_was_written_for": ("QUARK_API = 1", "QUARK_API = 2"),
    "test_it_registers": ("return [", "return []\n    ["),
    "test_reading_it_does_not_import_torch": ("QUARK_API = 1", "QUARK_API = 1\nimport torch"),
    "test_its_names_carry_its_prefix": ("acme.int3", "int3"),
    "test_its_hooks_return_the_same_each_time": ("[INT3]", NEW_EACH_TIME),
    "test_its_specs_are_hashable_and_frozen": ("EMA =", LOOSE + "EMA ="),
    "test_every_extension_is_described": (', "3-bit integer."', ""),
    "test_every_ref_leads_to_a_class_that_keeps_its_protocol": ("min_max:MinMax", "min_max:batch_range"),
    "test_every_option_is_described": ('    """Weight kept."""\n', ""),
    "test_every_number_has_bounds": ("Field(0.9, ge=0, lt=1)", "0.9"),
    "test_every_default_is_valid": ("Field(0.9", "Field(1.9"),
    "test_options_survive_a_file": ("momentum: float = Field(0.9, ge=0, lt=1)", "momentum: tuple[int, ...] = (1,)"),
    "test_options_are_frozen": ("    momentum", "    model_config = {'frozen': False}\n    momentum"),
    "test_unknown_options_are_refused": ("    momentum", "    model_config = {'extra': 'ignore'}\n    momentum"),
    "test_options_have_a_schema_that_editors_read": (
        "momentum: float = Field(0.9, ge=0, lt=1)",
        "momentum: tuple[int, int] = Field((1, 2), strict=False)",
    ),
    "test_its_part_of_the_config_schema_is_valid": (
        "Field(0.9, ge=0, lt=1)",
        'Field(0.9, ge=0, lt=1, json_schema_extra={"minimum": "low"})',
    ),
}
MORE = {
    "a Ref to nothing": ("min_max:MinMax", "min_max:Missing"),
    "a Ref to a class without the methods": ("min_max:MinMax", "bit_histogram:BitHistogram"),
    "an option class without a docstring": ('    """Average."""\n', ""),
}


def kit() -> type[PluginTests]:
    class Kit(PluginTests):
        __test__ = False
        module = "quark_acme_plugin"

    return Kit


def test_every_check_has_a_fault() -> None:
    every_check_has_a_fault(PluginTests, [*FAULTS, "test_it_is_installed_once"])


@pytest.mark.parametrize("check", sorted(FAULTS))
def test_a_fault_is_caught(site: Site, check: str) -> None:
    # Stands in for the real one in the interpreter that the check starts, where it would cost seconds.
    site.module("torch", "")
    old, new = FAULTS[check]
    assert old in SOUND
    site.plugin("acme", SOUND.replace(old, new))
    # A name without its prefix is refused by the registry, whose message says what to write.
    also = (PluginApiError,) if check == "test_its_names_carry_its_prefix" else ()
    fails(kit(), check, *also)


@pytest.mark.parametrize("fault", sorted(MORE))
def test_other_faults_are_caught(site: Site, fault: str) -> None:
    site.plugin("acme", SOUND.replace(*MORE[fault]))
    described = "test_every_extension_is_described"
    fails(kit(), described if "docstring" in fault else "test_every_ref_leads_to_a_class_that_keeps_its_protocol")


@pytest.mark.parametrize("check", sorted(checks(PluginTests)))
def test_a_sound_one_passes(site: Site, check: str) -> None:
    site.plugin("acme", SOUND)
    passes(kit(), check)


def test_one_that_is_not_installed_is_told_how(site: Site) -> None:
    site.module("quark_acme_plugin", SOUND)
    with pytest.raises(AssertionError, match=r"entry-points.*quark_acme_plugin.*pip install -e"):
        kit()().test_it_registers()


def test_two_distributions_under_one_name_are_caught(site: Site) -> None:
    site.plugin("acme", SOUND)
    site.distribution("quark-fork", "acme = fork")
    fails(kit(), "test_it_is_installed_once")


def test_options_without_defaults_need_an_example(site: Site) -> None:
    site.plugin("acme", SOUND.replace("Field(0.9, ", "Field("))
    with pytest.raises(AssertionError, match=r"acme\.ema needs options: give `momentum` a Field"):
        kit()().test_options_are_frozen()

    class WithExample(PluginTests):
        __test__ = False
        module = "quark_acme_plugin"
        options = {"acme.ema": {"momentum": 0.5}}

    for check in checks(PluginTests) - {"test_reading_it_does_not_import_torch"}:
        passes(WithExample, check)


def test_the_first_of_an_options_examples_is_taken(site: Site) -> None:
    site.plugin("acme", SOUND.replace("Field(0.9, ", "Field(examples=[0.5, 2.0], "))
    [(_, options)] = kit()().made()
    assert options.model_dump() == {"name": "acme.ema", "momentum": 0.5}


def test_an_entry_point_that_names_an_object_is_checked_too(site: Site) -> None:
    wrapped = SOUND.replace("QUARK_API = 1", "").replace("QUARK_API", "")
    holder = "from types import SimpleNamespace\nplugin = SimpleNamespace(QUARK_API=1, quark_dtypes=quark_dtypes)\n"
    site.module("quark_acme_plugin", wrapped + holder)
    site.distribution("quark-acme", "acme = quark_acme_plugin:plugin")
    for check in (
        "test_it_says_which_api_it_was_written_for",
        "test_reading_it_does_not_import_torch",
        "test_it_registers",
    ):
        passes(kit(), check)
