"""``quark devices``: what there is, what it takes, whether it runs here."""

import json
from types import ModuleType
from typing import Literal

import pytest

from quark_core.plugin import Capability, DeviceSpec, ModeLimit, Options, Ref, hookimpl
from quark_core.registry import Registry
from tests.unit.cli.conftest import Quark


class Sleeping:
    """Says no."""

    def __init__(self, options: Options) -> None:
        del options

    def unavailable(self) -> str | None:
        return "it sleeps"


class Raising(Sleeping):
    """Breaks the contract."""

    def unavailable(self) -> str | None:
        raise RuntimeError("no driver")


class SleepingOptions(Options):
    """A device that sleeps."""

    name: Literal["acme.sleeping"] = "acme.sleeping"
    deep: bool = False
    """Whether it dreams."""


class RaisingOptions(Options):
    """A broken device."""

    name: Literal["acme.raising"] = "acme.raising"


class NeedyOptions(Options):
    """A device with an option that has no default."""

    name: Literal["acme.needy"] = "acme.needy"
    cores: int
    """Cores in use."""


SLEEPING = DeviceSpec(
    SleepingOptions,
    Ref("tests.unit.cli.test_devices_verb:Sleeping"),
    (Capability(("weight",), ("int8",), operators=("linear",), when={"deep": (True, False)}),),
    (ModeLimit(("fx_graph_mode",), {"deep": (True,)}), ModeLimit(("fx_graph_mode", "eager_mode"))),
)
NEEDY = DeviceSpec(NeedyOptions, Ref("tests.unit.cli.test_devices_verb:Sleeping"))
RAISING = DeviceSpec(RaisingOptions, Ref("tests.unit.cli.test_devices_verb:Raising"))
MISSING = DeviceSpec(RaisingOptions, Ref("tests.unit.cli.test_devices_verb:Nowhere"))


def install(monkeypatch: pytest.MonkeyPatch, *specs: DeviceSpec) -> None:
    module = ModuleType("quark_acme")

    @hookimpl
    def quark_devices() -> tuple[DeviceSpec, ...]:
        return specs

    module.__dict__.update(QUARK_API=1, quark_devices=quark_devices)
    registry = Registry()
    registry.add(module, "acme", "quark-acme 0.1")
    monkeypatch.setattr("quark_core.cli.devices.installed", lambda: registry)


def test_the_bundled_devices(quark: Quark) -> None:
    ran = quark("devices")
    assert (ran.code, ran.err) == (0, "")
    assert "device   runs here   plugin" in ran.out
    assert "CPU      yes         quark_cpu" in ran.out
    assert "IPU      no          quark_ipu   no runtime of the Ryzen AI NPU" in ran.out
    assert "takes every tensor config" in ran.out


def test_json_says_the_same(quark: Quark, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, SLEEPING)
    ran = quark("devices", "--json")
    [found] = json.loads(ran.out)
    assert (ran.code, found["name"], found["plugin"], found["distribution"]) == (
        0,
        "acme.sleeping",
        "acme",
        "quark-acme 0.1",
    )
    assert (found["runs_here"], found["why_not"], found["error"]) == (False, "it sleeps", None)
    assert found["capabilities"][0]["operators"] == ["linear"]
    assert found["capabilities"][0]["when"] == {"deep": [True, False]}
    assert found["modes"] == [
        {"modes": ["fx_graph_mode"], "when": {"deep": [True]}},
        {"modes": ["fx_graph_mode", "eager_mode"], "when": {}},
    ]


def test_what_it_takes_in_words(quark: Quark, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, SLEEPING)
    text = quark("devices").out
    assert "acme.sleeping: A device that sleeps." in text
    assert "- weight: int8 (deep true or false); of linear\n" in text
    assert "- works with mode fx_graph_mode only (deep true)\n" in text
    assert "- works with mode fx_graph_mode or eager_mode only\n" in text


def test_a_device_that_needs_options_is_not_constructed(quark: Quark, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, NEEDY)
    ran = quark("devices")
    assert (ran.code, ran.err) == (0, "")
    assert "not known: it has options without a default" in ran.out


@pytest.mark.parametrize(
    ("spec", "why"), [(RAISING, "Raising: RuntimeError: no driver"), (MISSING, "Nowhere: AttributeError: ")]
)
def test_a_broken_device_is_named_and_the_others_are_shown(
    quark: Quark, monkeypatch: pytest.MonkeyPatch, spec: DeviceSpec, why: str
) -> None:
    install(monkeypatch, SLEEPING, spec)
    ran = quark("devices")
    assert ran.code == 1
    assert "it sleeps" in ran.out
    assert (
        "broken: device 'acme.raising' of plugin 'acme' (quark-acme 0.1): tests.unit.cli.test_devices_verb:" in ran.err
    )
    assert why in ran.err
