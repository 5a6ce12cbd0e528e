"""For each check of DeviceTests there is a device that it refuses."""

from __future__ import annotations

from typing import Any, Literal, cast

import pytest
import torch
from torch import nn

from quark_core.config.scaling import ScaleDtype
from quark_core.config.type import QSchemeType, ScaleType
from quark_core.errors import DeviceError, PlanError, Problem
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


class Choosy(Sound):
    """Refuses in code what its capabilities take."""

    def refine(self, plan: Plan) -> Any:
        if any(tensor.settings.axis == 1 for tensor in plan.tensors()):
            raise PlanError([Problem("0.weight: axis 0 only")])
        return plan, ()


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


class Meddles(Sound):
    def executor(self, model: nn.Module) -> Any:
        model.add_module("0", nn.Identity())
        return model


class Secretly(Sound):
    """Writes past what counts writes."""

    def executor(self, model: nn.Module) -> Any:
        for parameter in model.parameters():
            parameter.data.zero_()
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
        (Sound, with_rows(Capability(("weight",), ("int8",), operators=("linear", "conv_2d")))),
    ],
    "test_its_capabilities_allow_something": [(Sound, with_rows())],
    "test_what_its_capabilities_take_can_be_quantized": [(Choosy, CPU)],
    "test_adjusting_leaves_a_float_model_alone": [(Zeroes, CPU)],
    "test_lowering_gives_a_module_or_says_why_not": [(LowersToNothing, CPU), (Refuses, CPU)],
    "test_a_device_that_is_not_here_lowers_nothing": [(LowersAnyway, CPU)],
    "test_its_modes_exist": [(Sound, DeviceSpec(CPU.options, CPU.impl, modes=(ModeLimit(("lazy_mode",)),)))],
    "test_its_conditions_name_its_options": [
        (Sound, with_rows(Capability(("weight",), ("int8",), when={"absent": (1,)}))),
        (Sound, DeviceSpec(CPU.options, CPU.impl, modes=(ModeLimit(("eager_mode",), {"absent": (1,)}),))),
        (Sound, with_rows(Capability(("weight",), ("int8",), when={"isa": ("no such",)}))),
    ],
    "test_settled_options_stay_settled": [(Unsettled, CPU)],
    "test_refining_keeps_every_tensor": [(Forgetful, CPU)],
    "test_passes_have_names": [(Nameless, CPU), (SameNames, CPU)],
    "test_adjusting_twice_changes_nothing_more": [(Restless, CPU)],
    "test_every_adjustment_says_why": [(Silent, CPU)],
    "test_what_it_computes_stays_close_to_the_quantized_model": [(NoisyChip, CPU), (NoisyProof, CPU), (Idle, CPU)],
    "test_layers_say_how_they_compute": [(Lost, CPU), (Hidden, CPU)],
    "test_its_executor_leaves_the_model_alone": [(Meddles, CPU), (Secretly, CPU)],
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


PER_GROUP, PER_CHANNEL = (QSchemeType.per_group,), (QSchemeType.per_channel,)
BLOCKS = Capability(("weight",), ("fp8_e4m3",), qschemes=(QSchemeType.per_block,), block_sizes=((32, 8),))
INT8 = Capability(("input", "output"), ("int8",))
CASES: dict[str, tuple[DeviceSpec, list[str]]] = {
    "groups, whose size must divide the channels": (
        with_rows(Capability(("weight",), ("int4",), qschemes=PER_GROUP, group_sizes=(32, 64), own_axis=True)),
        ["4.weight int4 per_group 32 axis 1"],
    ),
    "another axis": (
        with_rows(Capability(("weight",), ("int8",), qschemes=PER_CHANNEL)),
        ["4.weight int8 per_channel axis 0", "4.weight int8 per_channel axis 1"],
    ),
    "blocks, which convolutions have not": (
        with_rows(BLOCKS),
        ["4.weight fp8_e4m3 per_block 32x8"],
    ),
    "a format of groups": (
        with_rows(Capability(("weight", "input"), ("mxfp4",), own_axis=True)),
        ["0.input mxfp4 per_group 32 axis -3, 4.input mxfp4 per_group 32 axis -1, 4.weight mxfp4 per_group 32 axis 1"],
    ),
    "casts": (
        with_rows(Capability(("weight",), ("bfloat16", "float16"))),
        ["4.weight bfloat16", "4.weight float16"],
    ),
    "tokens, which are dynamic": (
        with_rows(Capability(("input",), ("int8",), qschemes=(QSchemeType.per_token,))),
        [],
    ),
    "operators with rows of their own": (
        with_rows(
            Capability(("weight",), ("int4",), operators=("linear",)),
            Capability(("weight",), ("int8", "int16"), operators=("conv2d",)),
            INT8,
        ),
        [
            "0.weight int8 per_tensor, 4.weight int4 per_tensor",
            "0.weight int16 per_tensor, 4.weight int4 per_tensor",
        ],
    ),
    "inputs and outputs that differ": (
        with_rows(
            Capability(("weight",), ("int8",)),
            Capability(("input",), ("int8", "uint8"), symmetric=(False,)),
            Capability(("output",), ("int16",)),
        ),
        ["0.input int8 per_tensor asymmetric", "0.input uint8 per_tensor asymmetric", "0.output int16 per_tensor"],
    ),
    "scales of two kinds": (
        with_rows(
            Capability(("weight",), ("int8",), scale_types=(ScaleType.pof2,), scale_dtypes=(ScaleDtype.float16,)),
            Capability(("weight",), ("int4",), scale_dtypes=(ScaleDtype.float16,)),
        ),
        ["4.weight int8 per_tensor pof2", "4.weight int4 per_tensor scale float16"],
    ),
}


@pytest.mark.parametrize("mode", ["eager_mode", "fx_graph_mode"])
@pytest.mark.parametrize("what", list(CASES))
def test_what_a_device_takes_is_tried(what: str, mode: str) -> None:
    takes, expected = CASES[what]
    spec = DeviceSpec(CPU.options, CPU.impl, takes.capabilities, (ModeLimit((mode,)),))
    suite = kit(Sound, spec)()
    suite.test_what_its_capabilities_take_can_be_quantized()
    tried = [
        ", ".join(sorted(f"{tensor.key} {tensor.settings.describe()}" for tensor in found.plan.tensors()))
        for found in suite.runs()
    ]
    for words in expected:
        assert any(all(word in line for word in words.split(", ")) for line in tried), (words, tried)
    assert len(tried) == len(set(tried)), "a config is tried twice"


def test_sums_are_tried_in_every_mode() -> None:
    added = {
        found.what: {tensor.layer for tensor in found.plan.tensors()} & {"3.conv", "3.add"}
        for found in kit(Sound, CPU)().runs()
    }
    assert added["its first rows, eager_mode, a sum"] == {"3.conv"}
    assert added["its first rows, fx_graph_mode, a sum"] == {"3.conv", "3.add"}
    assert added["its first rows, fx_graph_mode"] == set()
