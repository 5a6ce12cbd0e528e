"""What a device takes of each layer: exactly, with the line and the nearest choice; what it leaves to the host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import pytest

from quark_core.config.scaling import ScaleDtype
from quark_core.config.type import QSchemeType
from quark_core.errors import Problem
from quark_core.plugin import Capability, DeviceSpec, Options, Ref, hookimpl
from quark_core.plugin.outline import LayerOutline, Outline, TensorOutline
from quark_core.registry import use
from tests.contract.acme import bundled_registry
from tests.unit.outlines import INT8, faults, from_file, plan


class ChipOptions(Options):
    """A chip."""

    name: Literal["acme.chip"] = "acme.chip"
    wide: bool = False
    """Whether activations may be 16 bits wide."""


PER_CHANNEL = (QSchemeType.per_channel,)
CHIP = DeviceSpec(
    ChipOptions,
    Ref("nowhere:Chip"),
    (
        Capability(("weight",), ("int8", "int4"), operators=("linear",)),
        Capability(("weight",), ("int8",), qschemes=PER_CHANNEL, symmetric=(True,), operators=("conv2d",)),
        Capability(("input", "output"), ("int8",), operators=("linear", "conv2d", "sigmoid")),
        Capability(("bias",), ("int8",), group_sizes=(2,), scale_dtypes=(ScaleDtype.float16,), own_axis=True),
        Capability(("input",), ("int16",), round_methods=("floor",), operators=("linear",), when={"wide": (True,)}),
    ),
)


def layer(name: str, operator: str | None, *, weight: bool = False, on_request: bool = False) -> LayerOutline:
    own = (TensorOutline("weight", "weight", (4, 4), elements=16, storage=name),) if weight else ()
    if name == "swapped":
        own = (*own, TensorOutline("bias", "bias", (4, 4), channel_axis=1, group_axis=0, elements=16, storage="b"))
    activations = (TensorOutline("input", "input"), TensorOutline("output", "output"))
    return LayerOutline(name, ("Module",), (*own, *activations), 16 * weight, on_request=on_request, operator=operator)


NET = Outline(
    (
        layer("fc", "linear", weight=True),
        layer("conv", "conv2d", weight=True),
        layer("table", "embedding", weight=True),
        layer("gate", "sigmoid", on_request=True),
        layer("soft", "softmax", on_request=True),
        layer("sum", "add"),
        layer("mystery", None, weight=True),
    )
)
ROWS = {"dtype": "int8", "qscheme": "per_channel"}
CHOSEN: dict[str, Any] = {"device": "acme.chip"}


@pytest.fixture(autouse=True)
def chip() -> Iterator[None]:
    module = ModuleType("quark_acme")

    @hookimpl
    def quark_devices() -> tuple[DeviceSpec, ...]:
        return (CHIP,)

    module.__dict__.update(QUARK_API=1, quark_devices=quark_devices)
    registry = bundled_registry()
    registry.add(module, "acme", "quark-acme 0.1")
    with use(registry):
        yield


def texts(problems: tuple[Problem, ...]) -> list[tuple[str, str]]:
    return [(problem.message, problem.fix) for problem in problems]


def test_the_root_reaches_what_the_device_names_and_no_more() -> None:
    made = plan(NET, **CHOSEN, input=INT8, exclude=["table"])
    assert [t.key for t in made.tensors()] == ["fc.input", "conv.input", "gate.input", "mystery.input"]


def test_operators_that_it_does_not_compute_are_left_to_the_host_with_a_reason() -> None:
    made = plan(NET, **CHOSEN, input=INT8, exclude=["table"])
    assert [(x.name, x.reason) for x in made.layers if not x.parameters and x.reason] == [
        ("soft", "acme.chip takes no quantized softmax"),
        ("sum", "acme.chip takes no quantized add"),
    ]


def test_without_limits_operators_on_request_stay_so() -> None:
    made = plan(NET, input=INT8)
    assert [t.key for t in made.tensors()] == ["fc.input", "conv.input", "table.input", "sum.input", "mystery.input"]


def test_a_layer_with_parameters_that_it_lacks_is_an_error() -> None:
    from tests.unit.outlines import config

    found = texts(faults(config(**CHOSEN, weight=ROWS, exclude=["mystery"]), NET))
    assert found == [
        (
            "table.weight (weight): acme.chip takes no weight of embedding",
            "exclude 'table', or skip its weight in layers",
        )
    ]


def test_an_operator_that_is_asked_for_by_name_is_an_error_too() -> None:
    from tests.unit.outlines import config

    made = config(**CHOSEN, layers=[{"match": "soft", "input": INT8}])
    assert texts(faults(made, NET)) == [
        (
            "soft.input (layers[0].input): acme.chip takes no input of softmax",
            "exclude 'soft', or skip its input in layers",
        )
    ]


def test_a_dtype_and_a_field_that_another_operator_may_have(tmp_path: Path) -> None:
    text = """\
device: acme.chip
layers:
- match: conv
  weight: {dtype: int4}
- match: fc
  weight: {dtype: int8}
  input: {dtype: int8, symmetric: false}
"""
    assert texts(faults(from_file(tmp_path, text), NET)) == [
        (
            "conv.weight (layers[0].weight): acme.chip takes weight dtype int8 of conv2d",
            "write dtype: int8 for 'conv' in layers, or exclude it",
        )
    ]
    text = text.replace("int4}", "int8}")
    [problem] = faults(from_file(tmp_path, text), NET)
    assert problem.message.endswith("takes weight int8 of conv2d only with qscheme per_channel")
    assert problem.fix == "write qscheme: per_channel for 'conv' in layers, or exclude it"
    assert problem.place is not None
    assert (problem.place.line, problem.place.column) == (4, 3)


SWAPPED = Outline((layer("swapped", "linear", weight=True),))


@pytest.mark.parametrize("axis", [None, 1, -1])
def test_scales_along_the_axis_that_is_the_layers_own(axis: int | None) -> None:
    bias: dict[str, Any] = {"dtype": "int8", "qscheme": "per_channel", "scale_dtype": "float16"}
    if axis is not None:
        bias["ch_axis"] = axis
    assert [t.settings.axis for t in plan(SWAPPED, **CHOSEN, bias=bias).tensors()] == [axis or 1]


@pytest.mark.parametrize(
    ("scheme", "axis", "own"), [("per_channel", 0, 1), ("per_channel", -2, 1), ("per_group", 1, 0)]
)
def test_scales_along_another_axis(scheme: str, axis: int, own: int) -> None:
    from tests.unit.outlines import config

    size = {"group_size": 2} if scheme == "per_group" else {}
    bias = {"dtype": "int8", "qscheme": scheme, "ch_axis": axis, "scale_dtype": "float16", **size}
    assert texts(faults(config(**CHOSEN, bias=bias), SWAPPED)) == [
        (
            f"swapped.bias (bias): acme.chip takes bias scales of linear along axis {own} only, "
            f"and these lie along axis {axis}",
            "leave ch_axis out",
        )
    ]


def test_scales_of_two_kinds() -> None:
    [tensor] = plan(SWAPPED, **CHOSEN, bias={"dtype": "int8", "scale_type": "pof2"}).tensors()
    assert tensor.settings.describe() == "int8 per_tensor pof2 half_even min_max"


def test_options_change_what_is_taken() -> None:
    from tests.unit.outlines import config

    wide = {"dtype": "int16", "round_method": "floor"}
    layers = [{"match": ["fc", "conv"], "input": wide}]
    found = faults(config(device={"name": "acme.chip", "wide": True}, layers=layers), NET)
    assert [problem.message for problem in found] == [
        "conv.input (layers[0].input): acme.chip takes input dtype int8 of conv2d"
    ]
    with pytest.raises(ValueError, match=r"acme\.chip takes input dtype int8\."):
        config(**CHOSEN, layers=layers)
