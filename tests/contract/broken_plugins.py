"""Plugins that are broken in a way drawn by lot, each with what must be said of it."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.unit.plugin.conftest import GOOD

HEAD = """
from typing import Any, Literal
from pydantic import Field, create_model
from quark_core.plugin import *
QUARK_API = 1
"""
RETURNS = HEAD + "@hookimpl\ndef quark_dtypes():\n    return {value}\n"
OPTIONS = (
    HEAD
    + """
{options}
@hookimpl
def quark_observers():
    return [ObserverSpec(Made, Ref("{module}:Thing"))]
"""
)
HUGE = """
fields = {{f"option_{{n}}": (float, Field(n, ge=0, description="Text. " * 20)) for n in range({count})}}
Made = create_model("Made", __base__=Options, name=(Literal["{prefix}.obs"], "{prefix}.obs"), **fields)
"""
PLAIN = 'class Made(Options):\n    """Words."""\n    name: Literal["{prefix}.obs"] = "{prefix}.obs"\n'


@dataclass(frozen=True)
class Broken:
    """One plugin: its source, and what must be said of it."""

    source: str
    says: str


def broken(prefix: str, lots: random.Random) -> Broken:
    """Return a plugin that is broken in some way."""
    makers = (at_import, at_hook, wrong_type, taken, wrong_api, missing_ref, wrong_options, wrong_hook, slow, huge)
    # Every command that reads all plugins waits for these two.
    (maker,) = lots.choices(makers, weights=[*(8 for _ in makers[:-2]), 1, 1])
    return maker(prefix, lots)


def at_import(prefix: str, lots: random.Random) -> Broken:
    code, says = lots.choice(
        [
            ("raise ValueError('no luck')", "ValueError: no luck"),
            ("import no_such_module_at_all", "No module named 'no_such_module_at_all'"),
            ("raise SystemExit(3)", "SystemExit: 3"),
            ("class E(BaseException): pass\nraise E('odd')", "E: odd"),
            ("def f(): f()\nf()", "RecursionError"),
            ("def (:", "SyntaxError"),
            ("print('noise')\n1 / 0", "ZeroDivisionError"),
            ("from quark_core.plugin import NoSuchSpec", "NoSuchSpec"),
            ("from quark_core.plugin import Ref\nRef('nonsense')", "write it as 'package.module:Name'"),
            ("from quark_core.plugin import IntFormat\nIntFormat(99)", "bits must be 1 (2 if signed) to 16"),
        ]
    )
    return Broken(code, says)


def at_hook(prefix: str, lots: random.Random) -> Broken:
    error = lots.choice(["RuntimeError", "KeyError", "SystemExit", "GeneratorExit", "MemoryError"])
    if lots.random() < 0.5:
        return Broken(RETURNS.format(value=f"(_ for _ in ()).throw({error}('late'))"), f"quark_dtypes() raised {error}")
    late = (
        HEAD
        + "@hookimpl\ndef quark_dtypes():\n"
        + f"    yield DtypeSpec('{prefix}.a', IntFormat(3))\n    raise {error}('late')\n"
    )
    return Broken(late, f"quark_dtypes() raised {error}")


def wrong_type(prefix: str, lots: random.Random) -> Broken:
    value, says = lots.choice(
        [
            ("None", "returned None"),
            ("7", "returned 7"),
            ("'int3'", "which is not a DtypeSpec"),
            ("[None]", "returned None, which is not a DtypeSpec"),
            ("{'a': 1}", "which is not a DtypeSpec"),
            ("['x' * 1000000]", "which is not a DtypeSpec"),
            (f"[DtypeSpec('{prefix}.a', 8)]", "is not a number format"),
            ("[DtypeSpec(7, IntFormat(3))]", "use letters, digits"),
            (f"[DtypeSpec('{prefix}.a b', IntFormat(3))]", "use letters, digits"),
            (f"__import__('itertools').repeat(DtypeSpec('{prefix}.a', IntFormat(3)))", "endless"),
            (f"[DtypeSpec('{prefix}.a', IntFormat(3), scaled=False)]", "scaled=False is a plain cast"),
        ]
    )
    return Broken(RETURNS.format(value=value), says)


def taken(prefix: str, lots: random.Random) -> Broken:
    name, says = lots.choice(
        [
            ("int8", "bare names are bundled"),
            ("other.int3", "must be named"),
            (f"{prefix}.one", "is already added by plugin"),
        ]
    )
    return Broken(RETURNS.format(value=f"[DtypeSpec({name!r}, IntFormat(3)), DtypeSpec({name!r}, IntFormat(4))]"), says)


def wrong_api(prefix: str, lots: random.Random) -> Broken:
    said = lots.choice(["QUARK_API = 0", "QUARK_API = 2", "QUARK_API = '1'", "QUARK_API = None", ""])
    return Broken(
        GOOD.replace("QUARK_API = 1", said).replace("{prefix}", prefix), "this Quark Core needs QUARK_API = 1"
    )


def missing_ref(prefix: str, lots: random.Random) -> Broken:
    module, says = lots.choice(
        [
            (f"quark_{prefix}_plugin.inner", "there is no module"),
            (f"quark_{prefix}_plugin", "defines no 'Thing'"),
            ("json.nowhere", "there is no module 'json.nowhere'"),
        ]
    )
    options = PLAIN.format(prefix=prefix)
    return Broken(OPTIONS.format(options=options, module=module), says)


def slow(prefix: str, lots: random.Random) -> Broken:
    return Broken("import time\ntime.sleep(0.6)\n" + GOOD.replace("{prefix}", prefix), " s to read")


def huge(prefix: str, lots: random.Random) -> Broken:
    options = HUGE.format(count=lots.choice([2000, 3000]), prefix=prefix)
    return Broken(OPTIONS.format(options=options, module="json"), "give it fewer options, or several extensions")


def wrong_options(prefix: str, lots: random.Random) -> Broken:
    options, says = lots.choice(
        [
            ("class Made: pass", "is not a subclass of quark_core.plugin.Options"),
            ("Made = None", "is not a subclass of quark_core.plugin.Options"),
            ("class Made(Options): pass", "`name` must be one Literal and its default"),
            (PLAIN.format(prefix="other"), "must be named"),
        ]
    )
    return Broken(OPTIONS.format(options=options, module="json"), says)


def wrong_hook(prefix: str, lots: random.Random) -> Broken:
    code, says = lots.choice(
        [
            ("@hookimpl\ndef quark_dtype():\n    return []\n", "unknown hook"),
            ("@hookimpl\ndef quark_dtypes(registry):\n    return []\n", "without arguments"),
            ("def quark_dtypes():\n    return []\n", "implements no hook"),
        ]
    )
    return Broken(HEAD + code, says)
