"""Whether a Ref leads somewhere is known without importing what it names."""

from __future__ import annotations

import sys

import pytest

from quark_core.plugin import CodecFormat, DtypeSpec, IntFormat, Ref, RoundingSpec
from quark_core.plugin.missing import missing_code
from quark_core.registry import KINDS, installed
from quark_rounding import HalfEvenOptions
from tests.unit.plugin.conftest import Site

SOURCE = """
raise RuntimeError("it was imported")

class There: ...
from os import path as elsewhere
if True:
    made = None
"""


def missing(path: str) -> str | None:
    return missing_code(RoundingSpec(HalfEvenOptions, Ref(path)))


@pytest.mark.parametrize("name", ["There", "elsewhere", "made"])
def test_what_is_defined_is_found(site: Site, name: str) -> None:
    site.module("acme_code", SOURCE)
    assert missing(f"acme_code:{name}") is None
    assert "acme_code" not in sys.modules


def test_what_is_not_is_named(site: Site) -> None:
    site.module("acme_code", SOURCE)
    assert missing("acme_code:Gone") == "Ref('acme_code:Gone'): acme_code defines no 'Gone'"
    assert missing("acme_code.inner:There") == "Ref('acme_code.inner:There'): there is no module 'acme_code.inner'"
    codec = DtypeSpec("acme.codec", CodecFormat(8, 1.0, Ref("acme_code:Gone")))
    assert missing_code(codec) == "Ref('acme_code:Gone'): acme_code defines no 'Gone'"


def test_what_cannot_be_known_is_not_called_missing(site: Site) -> None:
    site.module("acme_code", SOURCE + "from os import *\n")
    assert missing("acme_code:Gone") is None
    site.module("acme_lazy", "def __getattr__(name): ...")
    assert missing("acme_lazy:Gone") is None
    site.module("acme_wrong", "def (:")
    assert missing("acme_wrong:Gone") is None
    assert missing("found_by_another_finder:Thing") is None


def test_a_module_that_is_imported_is_asked(site: Site) -> None:
    assert missing("json:dumps") is None
    assert missing("json:Gone") == "Ref('json:Gone'): json defines no 'Gone'"


def test_nothing_of_ours_is_missing() -> None:
    for kind in KINDS:
        for spec in installed().specs(kind).values():
            assert missing_code(spec) is None
    assert missing_code(DtypeSpec("acme.int3", IntFormat(3))) is None
