"""For each check of DeviceTests there is a device that it refuses."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from torch import nn

from quark_core.errors import DeviceError
from quark_core.plugin import Capability, Device, DeviceSpec
from quark_core.testing import DeviceTests
from quark_cpu import CPU
from tests.contract.faults import checks, every_check_has_a_fault, fails, passes


class Sound:
    """A device that is not here."""

    def unavailable(self) -> Any:
        return "not here"

    def adjust(self, prepared: nn.Module) -> None:
        del prepared

    def lower(self, model: nn.Module) -> Any:
        raise DeviceError(f"{type(model).__name__}: not here")


class SaysNothing(Sound):
    def unavailable(self) -> Any:
        return ""


class Zeroes(Sound):
    def adjust(self, prepared: nn.Module) -> None:
        with torch.no_grad():
            for parameter in prepared.parameters():
                parameter.zero_()


class LowersToNothing(Sound):
    def lower(self, model: nn.Module) -> Any:
        return None


class LowersAnyway(Sound):
    def lower(self, model: nn.Module) -> Any:
        return model


class Refuses(Sound):
    def lower(self, model: nn.Module) -> Any:
        raise DeviceError("")


def with_rows(*rows: Capability) -> DeviceSpec:
    return DeviceSpec(CPU.options, CPU.impl, rows)


UNKNOWN = with_rows(Capability(("weight",), ("int8", "int9")))
FAULTS: dict[str, list[tuple[type[Sound], DeviceSpec]]] = {
    "test_it_says_whether_it_is_here": [(SaysNothing, CPU)],
    "test_its_capabilities_name_what_there_is": [
        (Sound, UNKNOWN),
        (Sound, with_rows(Capability(("weight",), ("int8",), round_methods=("up",)))),
    ],
    "test_its_capabilities_allow_something": [(Sound, with_rows())],
    "test_adjusting_leaves_a_float_model_alone": [(Zeroes, CPU)],
    "test_lowering_gives_a_module_or_says_why_not": [(LowersToNothing, CPU), (Refuses, CPU)],
    "test_a_device_that_is_not_here_lowers_nothing": [(LowersAnyway, CPU)],
}


def kit(made: type[Sound], tested: DeviceSpec) -> type[DeviceTests]:
    class Kit(DeviceTests):
        __test__ = False
        spec = tested

        def device(self) -> Device:
            return cast("Device", made())

    return Kit


def test_every_check_has_a_fault() -> None:
    every_check_has_a_fault(DeviceTests, FAULTS)


@pytest.mark.parametrize("check", sorted(FAULTS))
def test_a_fault_is_caught(check: str) -> None:
    for made, tested in FAULTS[check]:
        fails(kit(made, tested), check)


@pytest.mark.parametrize("check", sorted(checks(DeviceTests)))
def test_a_sound_one_passes(check: str) -> None:
    passes(kit(Sound, with_rows(Capability(("weight",), ("int8",), round_methods=("floor",)))), check)
