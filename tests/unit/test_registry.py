"""A registry holds what plugins add, needs no entry points, and explains names that it does not know."""

import threading
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from quark_core.config.models import TensorConfig
from quark_core.errors import DuplicateNameError, PluginApiError, UnknownNameError
from quark_core.plugin import DtypeSpec, IntFormat, ObserverSpec, Options, Ref, hookimpl
from quark_core.registry import KINDS, Plugin, Registry, current, installed, needs_options, use

INT3 = DtypeSpec("acme.int3", IntFormat(3), "3-bit signed integer.")


class EmaOptions(Options):
    """Moving average.

    In more words.
    """

    name: Literal["acme.ema"] = "acme.ema"
    momentum: float
    """Weight kept."""


EMA = ObserverSpec(EmaOptions, Ref("quark_acme.ema:Ema"))


def manifest(*dtypes: DtypeSpec, observers: Iterable[ObserverSpec] = ()) -> Any:
    """Return what a plugin module would be."""
    return SimpleNamespace(
        QUARK_API=1, quark_dtypes=hookimpl(lambda: dtypes), quark_observers=hookimpl(lambda: tuple(observers))
    )


@pytest.fixture
def registry() -> Registry:
    made = Registry()
    made.add(manifest(INT3, observers=[EMA]), "acme", "quark-acme 0.1")
    return made


def test_a_new_registry_is_empty() -> None:
    empty = Registry()
    assert (empty.plugins, empty.broken(), dict(empty.dtypes())) == ([], (), {})
    assert not any(empty.specs(kind) for kind in KINDS)


def test_it_says_what_a_plugin_adds(registry: Registry) -> None:
    adds = (("dtype", "acme.int3"), ("observer", "acme.ema"))
    assert registry.plugins == [Plugin("acme", "quark-acme 0.1", adds=adds)]
    assert registry.owner("observer", "acme.ema") is registry.plugins[0]
    assert registry.dtype("acme.int3") is registry.get("dtype", "acme.int3") is INT3


def test_a_plugin_of_this_process_needs_no_distribution() -> None:
    made = Registry()
    assert made.add(manifest(INT3), "acme").dist == "this process"


def test_one_name_may_stand_in_two_kinds() -> None:
    class SameOptions(Options):
        """The same name."""

        name: Literal["acme.int3"] = "acme.int3"

    made = Registry()
    made.add(manifest(INT3, observers=[ObserverSpec(SameOptions, Ref("a:B"))]), "acme")
    assert len(made.plugins[0].adds) == 2


def test_bundled_plugins_own_the_bare_names() -> None:
    bare = manifest(DtypeSpec("int3", IntFormat(3)))
    assert "int3" in [name for _, name in Registry().add(bare, "ours", bundled=True).adds]
    with pytest.raises(PluginApiError, match=r"must be named 'acme\.int3': bare names are bundled"):
        Registry().add(bare, "acme")


def test_a_taken_name_adds_nothing_at_all(registry: Registry) -> None:
    before = registry.plugins.copy()
    late = manifest(DtypeSpec("acme.int5", IntFormat(5)), INT3)
    with pytest.raises(DuplicateNameError, match=r"quark-fork 2.*already added by plugin 'acme' \(quark-acme 0\.1\)"):
        registry.add(late, "acme", "quark-fork 2")
    assert registry.plugins == before
    assert list(registry.dtypes()) == ["acme.int3"]


def test_its_mappings_cannot_be_changed(registry: Registry) -> None:
    for mapping in (registry.specs("dtype"), registry.dtypes()):
        with pytest.raises(TypeError):
            mapping["acme.int3"] = INT3  # type: ignore[index] # that it is refused is the point


def test_an_unknown_name_gets_a_suggestion(registry: Registry) -> None:
    with pytest.raises(
        UnknownNameError, match=r"^no installed plugin adds dtype 'acme\.int2'; did you mean 'acme\.int3"
    ):
        registry.dtype("acme.int2")


def test_an_unknown_name_far_from_all_gets_the_list(registry: Registry) -> None:
    assert registry.explain("dtype", "q") == "no installed plugin adds dtype 'q'; there are: acme.int3"
    assert registry.explain("device", "q") == "no installed plugin adds device 'q'; there are none"


def test_an_unknown_name_is_blamed_on_the_broken_plugin_with_its_prefix(registry: Registry) -> None:
    error = PluginApiError("ajax.v2", "ajax 3", "misspelt")
    registry.plugins.append(Plugin("ajax.v2", "ajax 3", error=error))
    assert str(error) in registry.explain("dtype", "ajax.v2.int3")
    assert str(error) not in registry.explain("dtype", "ajax.int3")
    assert str(error) not in registry.explain("dtype", "int9")


def test_an_unknown_bare_name_is_blamed_on_a_broken_bundled_plugin(registry: Registry) -> None:
    error = PluginApiError("quark_dtypes", "quark-core 1", "damaged")
    registry.plugins.append(Plugin("quark_dtypes", "quark-core 1", bundled=True, error=error))
    assert str(error) in registry.explain("dtype", "int8")
    assert str(error) not in registry.explain("dtype", "acme.int9")


def test_owner_of_an_unknown_name_explains_too(registry: Registry) -> None:
    with pytest.raises(UnknownNameError, match="did you mean"):
        registry.owner("dtype", "acme.int2")


def test_choosing_gives_spec_and_options(registry: Registry) -> None:
    options = EmaOptions(momentum=0.5)
    assert registry.choose(ObserverSpec, options) == (EMA, options)
    with pytest.raises(UnknownNameError):
        registry.choose(ObserverSpec, "acme.emma")


def test_options_without_defaults_are_needed() -> None:
    assert needs_options(EMA)
    assert not needs_options(INT3)


def test_the_summary_is_the_first_paragraph() -> None:
    assert EMA.summary == "Moving average."


def test_a_registry_is_used_within_a_block(registry: Registry) -> None:
    outside = current()
    with use(registry) as inner:
        assert inner is current() is registry
        assert TensorConfig(dtype="acme.int3").dtype == "acme.int3"
        with use(None):
            assert current() is registry
        with use(Registry()) as empty:
            assert current() is empty
        assert current() is registry
    assert current() is outside is installed()


def test_an_exception_leaves_the_block_in_order(registry: Registry) -> None:
    with pytest.raises(ZeroDivisionError), use(registry):
        raise ZeroDivisionError
    assert current() is installed()


def test_another_thread_keeps_its_own_registry(registry: Registry) -> None:
    seen: list[Registry] = []
    with use(registry):
        thread = threading.Thread(target=lambda: seen.append(current()))
        thread.start()
        thread.join()
    assert seen == [installed()]
