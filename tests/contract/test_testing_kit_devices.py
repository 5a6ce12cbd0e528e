"""For each check of DeviceTests there is a device that it refuses."""

from __future__ import annotations

from typing import Any, Literal, cast

import pytest
import torch
from torch import nn

from quark_core.errors import DeviceError
from quark_core.plugin import Adjustment, Capability, Device, DeviceSpec, LayerPath, ModeLimit, Options, Plan
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


class OtherOptions(Options):
    """Of another device."""

    name: Literal["acme.other"] = "acme.other"


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


class Unsettled(Sound):
    """Options that its resolve gives are another device's, or change again."""

    def __init__(self, options: Any = None) -> None:
        self.options = options

    def resolve(self, *, lowering: bool) -> Any:
        return OtherOptions() if lowering else CPU.options(name="CPU")


class Forgetful(Sound):
    def refine(self, plan: Plan) -> Any:
        return Plan(plan.layers[:1]), ()


class Pass:
    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, graph: Any) -> Any:
        return ()


class Nameless(Sound):
    def passes(self) -> Any:
        return (Pass(" "),)


class SameNames(Sound):
    def passes(self) -> Any:
        return (Pass("fold"), Pass("fold"))


class Restless(Sound):
    def adjust(self, prepared: nn.Module) -> Any:
        return [Adjustment("0.weight", "a", "b", "again and again")]


class Silent(Sound):
    def adjust(self, prepared: nn.Module) -> Any:
        return [Adjustment("0.weight", "a", "b", "")]


class Noisy(nn.Module):
    layer_paths: Any = {}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.randn(x.shape[0], 2)


class NoisyChip(Sound):
    def unavailable(self) -> Any:
        return None

    def lower(self, model: nn.Module) -> Any:
        return Noisy()


class Idle(Sound):
    """Says that it is here."""

    def unavailable(self) -> Any:
        return None


class NoisyProof(Sound):
    def executor(self, model: nn.Module) -> Any:
        return Noisy()


class Mistaken(NoisyChip):
    def lower(self, model: nn.Module) -> Any:
        marked: Any = model
        marked.layer_paths = {"0": LayerPath("magic")}
        return model


class Hidden(NoisyChip):
    """Its layers are where no replay looks."""

    def lower(self, model: nn.Module) -> Any:
        made: Any = nn.Sequential(model)
        made.layer_paths = {"0": LayerPath("kernel")}
        made.replay = lambda inputs, see: made(*inputs)
        return made


class Lost(NoisyChip):
    def lower(self, model: nn.Module) -> Any:
        marked: Any = model
        marked.layer_paths = {"nowhere": LayerPath("kernel")}
        return model


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
    "test_its_modes_exist": [(Sound, DeviceSpec(CPU.options, CPU.impl, modes=(ModeLimit(("lazy_mode",)),)))],
    "test_its_conditions_name_its_options": [
        (Sound, with_rows(Capability(("weight",), ("int8",), when={"absent": (1,)}))),
        (Sound, DeviceSpec(CPU.options, CPU.impl, modes=(ModeLimit(("eager_mode",), {"absent": (1,)}),))),
    ],
    "test_settled_options_stay_settled": [(Unsettled, CPU)],
    "test_refining_keeps_every_tensor": [(Forgetful, CPU)],
    "test_passes_have_names": [(Nameless, CPU), (SameNames, CPU)],
    "test_adjusting_twice_changes_nothing_more": [(Restless, CPU)],
    "test_every_adjustment_says_why": [(Silent, CPU)],
    "test_what_it_computes_stays_close_to_the_quantized_model": [(NoisyChip, CPU), (NoisyProof, CPU), (Idle, CPU)],
    "test_layers_say_how_they_compute": [(Mistaken, CPU), (Lost, CPU), (Hidden, CPU)],
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
