"""A plugin that breaks the contract is named with its distribution, and harms nobody else."""

import pytest

from quark_core.errors import PluginApiError, PluginError, PluginLoadError, UnknownNameError
from tests.unit.plugin.conftest import GOOD, Site, plugin

HEAD = """
from typing import Literal
from quark_core.plugin import *
QUARK_API = 1
"""
OPTIONS = """
class EmaOptions(Options):
    '''Moving average.'''
    name: Literal["acme.ema"] = "acme.ema"
"""
DTYPES = HEAD + "@hookimpl\ndef quark_dtypes():\n    "
OBSERVERS = HEAD + OPTIONS + "@hookimpl\ndef quark_observers():\n    "
LOAD, API = PluginLoadError, PluginApiError

CASES: dict[str, tuple[str, type[PluginError], str]] = {
    "raises at import": ("raise RuntimeError('no licence')", LOAD, "RuntimeError: no licence"),
    "exits at import": ("raise SystemExit(3)", LOAD, "SystemExit: 3"),
    "panics at import": ("class Panic(BaseException): ...\nraise Panic('rust')", LOAD, "Panic: rust"),
    "does not parse": ("def (", LOAD, "SyntaxError"),
    "imports what is not there": ("import no_such_module_at_all", LOAD, "No module named 'no_such_module_at_all'"),
    "bad Ref": (HEAD + "Ref('quark_acme.ema.Ema')", LOAD, "write it as 'package.module:Name'"),
    "bad format": (HEAD + "IntFormat(40)", LOAD, "bits must be"),
    "no QUARK_API": (GOOD.replace("QUARK_API = 1", ""), API, "does not say QUARK_API; this Quark Core needs"),
    "old QUARK_API": (GOOD.replace("QUARK_API = 1", "QUARK_API = 0"), API, "was written for QUARK_API = 0"),
    "new QUARK_API": (GOOD.replace("QUARK_API = 1", "QUARK_API = 2"), API, "needs QUARK_API = 1"),
    "no hook": ("QUARK_API = 1", API, "implements no hook"),
    "forgot @hookimpl": (GOOD.replace("@hookimpl", ""), API, "implements no hook"),
    "misspelt hook": (GOOD.replace("quark_dtypes", "quark_dtype"), API, "unknown hook 'quark_dtype'"),
    "hook with arguments": (GOOD.replace("quark_dtypes()", "quark_dtypes(config)"), API, "without arguments"),
    "hook raises": (DTYPES + "raise KeyError('bits')", LOAD, "quark_dtypes() raised KeyError: 'bits'"),
    "hook exits": (DTYPES + "raise SystemExit('bye')", LOAD, "quark_dtypes() raised SystemExit: bye"),
    "hook raises midway": (
        DTYPES + "yield DtypeSpec('acme.a', IntFormat(3))\n    raise OSError('disk')",
        LOAD,
        "quark_dtypes() raised OSError: disk",
    ),
    "hook returns None": (DTYPES + "pass", API, "returned None; it must return an iterable of DtypeSpec"),
    "hook returns one spec": (DTYPES + "return DtypeSpec('acme.a', IntFormat(3))", API, "must return an iterable"),
    "hook returns names": (DTYPES + "return ['acme.int3']", API, "'acme.int3', which is not a DtypeSpec"),
    "hook returns a wrong spec": (
        OBSERVERS + "return [DtypeSpec('acme.a', IntFormat(3))]",
        API,
        "which is not a ObserverSpec",
    ),
    "hook wrapper": (
        DTYPES.replace("@hookimpl", "@hookimpl(wrapper=True)") + "return (yield)",
        API,
        "returned None, which is not a DtypeSpec",
    ),
    "bare name": (DTYPES + "return [DtypeSpec('int3', IntFormat(3))]", API, "must be named 'acme.int3'"),
    "another's prefix": (DTYPES + "return [DtypeSpec('ajax.int3', IntFormat(3))]", API, "must be named 'acme.int3'"),
    "prefix alone": (DTYPES + "return [DtypeSpec('acme.', IntFormat(3))]", API, "use letters, digits"),
    "name with spaces": (DTYPES + "return [DtypeSpec('acme.int 3', IntFormat(3))]", API, "use letters, digits"),
    "name is no string": (DTYPES + "return [DtypeSpec(3, IntFormat(3))]", API, "'3': use letters, digits"),
    "format is no format": (DTYPES + "return [DtypeSpec('acme.a', 3)]", API, "format=3 is not a number format"),
    "spec not hashable": (
        DTYPES + "return [DtypeSpec('acme.a', IntFormat(3), qschemes=['per_tensor'])]",
        API,
        "use tuples where it holds lists",
    ),
    "impl is a string": (
        OBSERVERS + "return [ObserverSpec(EmaOptions, 'a.b:C')]",
        API,
        "impl='a.b:C' is not a Ref",
    ),
    "formats are one class": (
        OBSERVERS + "return [ObserverSpec(EmaOptions, Ref('a.b:C'), formats=IntFormat)]",
        API,
        "is no tuple of classes of formats",
    ),
    "formats are none": (
        OBSERVERS + "return [ObserverSpec(EmaOptions, Ref('a.b:C'), formats=())]",
        API,
        "is no tuple of classes of formats",
    ),
    "formats are not hashable": (
        OBSERVERS + "return [ObserverSpec(EmaOptions, Ref('a.b:C'), formats=([],))]",
        API,
        "is no tuple of classes of formats",
    ),
    "options are no model": (
        OBSERVERS + "return [ObserverSpec(dict, Ref('a.b:C'))]",
        API,
        "is not a subclass of quark_core.plugin.Options",
    ),
    "name without Literal": (
        OBSERVERS.replace('Literal["acme.ema"]', "str") + "return [ObserverSpec(EmaOptions, Ref('a.b:C'))]",
        API,
        "`name` must be one Literal and its default",
    ),
    "name without default": (
        OBSERVERS.replace(' = "acme.ema"', "") + "return [ObserverSpec(EmaOptions, Ref('a.b:C'))]",
        API,
        "`name` must be one Literal and its default",
    ),
    "options without a schema": (
        HEAD
        + OPTIONS.replace("    name", "    model_config = {'arbitrary_types_allowed': True}\n    lock: Ref\n    name")
        + "    @classmethod\n    def model_json_schema(cls): raise ValueError('lock')\n"
        + "@hookimpl\ndef quark_observers():\n    return [ObserverSpec(EmaOptions, Ref('a.b:C'))]",
        API,
        "its options have no JSON Schema (ValueError: lock)",
    ),
    "spec with a mind of its own": (
        HEAD
        + "class Odd(DtypeSpec):\n    def __hash__(self): raise ValueError('odd')\n"
        + "@hookimpl\ndef quark_dtypes():\n    return [Odd('acme.a', IntFormat(3))]",
        API,
        "cannot be read: ValueError: odd",
    ),
    "one name twice": (
        DTYPES + "return [DtypeSpec('acme.a', IntFormat(3)), DtypeSpec('acme.a', IntFormat(4))]",
        PluginError,
        "dtype 'acme.a' is already added by plugin 'acme' (quark-acme 0.1)",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_broken_plugin_is_named_and_alone(site: Site, case: str) -> None:
    source, kind, text = CASES[case]
    site.plugin("acme", source)
    site.plugin("zeta")
    registry = site.load()

    broken = plugin(registry, "acme")
    assert isinstance(broken.error, kind)
    assert str(broken.error).startswith("plugin 'acme' (quark-acme 0.1): ")
    assert text in str(broken.error)
    assert (broken.dist, broken.adds) == ("quark-acme 0.1", ())
    assert registry.broken() == (broken,)

    assert not [name for name in registry.dtypes() if name.startswith("acme.")]
    assert {"int8", "zeta.int3"} <= set(registry.dtypes())
    with pytest.raises(UnknownNameError) as caught:
        registry.get("observer", "acme.ema")
    assert str(caught.value) == f"no installed plugin adds observer 'acme.ema'; {broken.error}"


def test_a_missing_entry_point_target_is_named(site: Site) -> None:
    site.module("acme_target", GOOD.replace("{prefix}", "acme"))
    site.distribution("quark-acme", "acme = acme_target:nowhere")
    error = plugin(site.load(), "acme").error
    assert isinstance(error, PluginLoadError)
    assert "failed to import 'acme_target:nowhere'" in str(error)


def test_ctrl_c_is_not_taken_for_a_broken_plugin(site: Site) -> None:
    site.plugin("acme", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        site.load()


def test_the_later_of_two_distributions_adds_nothing(site: Site) -> None:
    more = GOOD.replace("return [", "return [DtypeSpec('{prefix}.fresh', IntFormat(5)), ")
    site.plugin("acme", dist="quark-acme")
    site.module("fork", more.replace("{prefix}", "acme"))
    site.distribution("quark-fork", "acme = fork", version="2.0")
    registry = site.load()

    winner, loser = (p for p in registry.plugins if p.name == "acme")
    assert (winner.dist, winner.error) == ("quark-acme 0.1", None)
    assert str(loser.error) == (
        "plugin 'acme' (quark-fork 2.0): dtype 'acme.int3' is already added by plugin 'acme' (quark-acme 0.1)"
    )
    assert loser.adds == ()
    assert "acme.fresh" not in registry.dtypes()
    assert registry.owner("dtype", "acme.int3") is winner
