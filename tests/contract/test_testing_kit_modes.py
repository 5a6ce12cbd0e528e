"""For each check of ModeTests there is a mode that it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Literal

import pytest
import torch
from torch import nn

from quark_core.plugin import ExampleInputs, LayerOutline, ModeSpec, Options, Outline, Plan, TensorOutline, hookimpl
from quark_core.registry import Registry, installed, use
from quark_core.testing import ModeTests
from quark_eager.mode import Eager
from tests.contract.faults import checks, every_check_has_a_fault, fails, passes, ref


class FaultyOptions(Options):
    """A broken mode."""

    name: Literal["acme.faulty"] = "acme.faulty"


class Sound(Eager):
    """Eager mode, whose layers pass through ``change``."""

    def outline(self, model: nn.Module, example_inputs: ExampleInputs) -> Outline:
        layers = super().outline(model, example_inputs).layers
        return Outline(tuple(self.change(layer) for layer in layers if self.keeps(layer)))

    def keeps(self, layer: LayerOutline) -> bool:
        return True

    def change(self, layer: LayerOutline) -> LayerOutline:
        return layer


class Drops(Sound):
    def keeps(self, layer: LayerOutline) -> bool:
        return layer.type != "BatchNorm2d"


class CountsTwice(Sound):
    def change(self, layer: LayerOutline) -> LayerOutline:
        return replace(layer, parameters=2 * layer.parameters)


class NeedsData(Sound):
    def outline(self, model: nn.Module, example_inputs: ExampleInputs) -> Outline:
        return super().outline(model, example_inputs) if example_inputs else Outline()


class Silent(Sound):
    def change(self, layer: LayerOutline) -> LayerOutline:
        return replace(layer, unsupported=None)


class Unties(Sound):
    def change(self, layer: LayerOutline) -> LayerOutline:
        own: Callable[[TensorOutline], str] = lambda tensor: f"{layer.name}.{tensor.name}"  # noqa: E731 - a table's entry
        return replace(layer, tensors=tuple(replace(t, storage=t.storage and own(t)) for t in layer.tensors))


class Scribbles(Sound):
    def outline(self, model: nn.Module, example_inputs: ExampleInputs) -> Outline:
        with torch.no_grad():
            next(model.parameters()).mul_(2)
        return super().outline(model, example_inputs)


class PreparesWrong(Sound):
    def prepare(self, model: nn.Module, plan: Plan, example_inputs: ExampleInputs) -> nn.Module:
        with torch.no_grad():
            next(model.parameters()).mul_(2)
        return super().prepare(model, plan, example_inputs)


class WeightsOnly(Sound):
    def prepare(self, model: nn.Module, plan: Plan, example_inputs: ExampleInputs) -> nn.Module:
        layers = (replace(x, tensors=tuple(t for t in x.tensors if t.role == "weight")) for x in plan.layers)
        return super().prepare(model, Plan(tuple(layers)), example_inputs)


class Wraps(Sound):
    def convert(self, prepared: nn.Module) -> nn.Module:
        return nn.Sequential(prepared)


class Zeroes(Sound):
    def convert(self, prepared: nn.Module) -> nn.Module:
        with torch.no_grad():
            for parameter in prepared.parameters():
                parameter.zero_()
        return prepared


class Parts(Sound):
    def convert(self, prepared: nn.Module) -> nn.Module:
        head = getattr(prepared, "head", None)
        if isinstance(head, nn.Module):
            head.weight = nn.Parameter(torch.clone(head.get_parameter("weight")))
        return prepared


class Keeps(Sound):
    """Keeps in Python what no folder holds."""

    made = 0

    def convert(self, prepared: nn.Module) -> nn.Module:
        Keeps.made += 1
        shift = Keeps.made / 1000
        prepared.register_forward_hook(lambda _module, _inputs, output: output + shift)
        return super().convert(prepared)


FAULTS: dict[str, type[Sound]] = {
    "test_the_outline_lists_every_layer_with_parameters": Drops,
    "test_the_outline_counts_every_parameter_once": CountsTwice,
    "test_the_outline_needs_no_data": NeedsData,
    "test_what_it_cannot_quantize_has_a_reason": Silent,
    "test_tied_weights_share_a_storage": Unties,
    "test_outlining_changes_nothing": Scribbles,
    "test_a_prepared_model_computes_the_same": PreparesWrong,
    "test_there_is_a_quantizer_at_each_tensor_of_the_plan": WeightsOnly,
    "test_names_in_the_state_dict_stay": Wraps,
    "test_int8_stays_close_to_float": Zeroes,
    "test_a_saved_model_loads_the_same": Keeps,
    "test_tied_weights_stay_tied": Parts,
    "test_no_layer_is_lost_in_silence": Silent,
}


@pytest.fixture
def kit(request: pytest.FixtureRequest) -> Iterator[type[ModeTests]]:
    """Return the suite for a mode of this module, which the registry in use has beside the bundled plugins."""

    class Kit(ModeTests):
        __test__ = False
        spec = ModeSpec(FaultyOptions, ref(request.param))

    registry = Registry()
    for plugin in installed().plugins:
        registry.add(__import__(plugin.name), plugin.name, bundled=True)
    registry.add(SimpleNamespace(QUARK_API=1, quark_modes=hookimpl(lambda: [Kit.spec])), "acme")
    with use(registry):
        yield Kit


def test_every_check_has_a_fault() -> None:
    every_check_has_a_fault(ModeTests, FAULTS)


@pytest.mark.parametrize(("kit", "check"), [(made, check) for check, made in FAULTS.items()], indirect=["kit"])
def test_a_fault_is_caught(kit: type[ModeTests], check: str) -> None:
    fails(kit, check)


@pytest.mark.parametrize(("kit", "check"), [(Sound, check) for check in sorted(checks(ModeTests))], indirect=["kit"])
def test_a_sound_one_passes(kit: type[ModeTests], check: str) -> None:
    passes(kit, check)
