"""Variants of a device: its options split into cases, each with its own rules."""

from __future__ import annotations

from typing import Literal

from quark_core.config.device_rules import device_rules, device_variants
from quark_core.config.rules import defaults_for
from quark_core.config.scaling import ScaleDtype
from quark_core.plugin import Capability, DeviceSpec, ModeLimit, Options, Ref
from tests.contract.acme import bundled_registry


class ChipOptions(Options):
    """A chip."""

    name: Literal["acme.chip"] = "acme.chip"
    profile: Literal["small", "large", "huge"] = "small"
    """Its size."""
    fast: bool = False
    """Its speed."""


def chip(*rows: Capability, modes: tuple[ModeLimit, ...] = ()) -> DeviceSpec:
    return DeviceSpec(ChipOptions, Ref("nowhere:Chip"), rows or None, modes)


INT8 = Capability(("weight",), ("int8",), when={"profile": ("small",)})
INT4 = Capability(("weight",), ("int4",), symmetric=(True,), when={"profile": ("large",), "fast": (True,)})
REGISTRY = bundled_registry()


def texts(spec: DeviceSpec, **options: object) -> list[str]:
    rules, modes = device_rules(spec, REGISTRY, {"profile": "small", "fast": False, **options})
    return [rule.message for rule in rules if "weight" in rule.roles] + ([modes.message] if modes else [])


def test_each_case_has_its_own_rules_and_words() -> None:
    spec = chip(INT8, INT4, modes=(ModeLimit(("fx_graph_mode",), {"fast": (True,)}),))
    works = "works with mode fx_graph_mode only."
    assert texts(spec) == ["acme.chip with profile small takes weight dtype int8."]
    assert texts(spec, fast=True) == [
        "acme.chip with profile small and fast true takes weight dtype int8.",
        f"acme.chip with fast true {works}",
    ]
    assert texts(spec, profile="large", fast=True) == [
        "acme.chip with profile large and fast true takes weight dtype int4.",
        "acme.chip with profile large and fast true takes weight int4 only with symmetric true.",
        f"acme.chip with fast true {works}",
    ]
    nothing = "takes weight in floating point only: leave it out."
    assert texts(spec, profile="large") == [f"acme.chip with profile large {nothing}"]
    assert texts(spec, profile="huge") == [f"acme.chip {nothing}"]


def test_any_options_are_those_of_exactly_one_case() -> None:
    spec = chip(INT8, INT4)
    for profile in ("small", "large", "huge"):
        for fast in (False, True):
            options = {"profile": profile, "fast": fast}
            assert sum(variant.holds(options) for variant in device_variants(spec, REGISTRY)) == 1


def test_what_any_operator_takes_is_taken_without_a_model() -> None:
    rows = (
        Capability(("input",), ("int8",), round_methods=("floor",), operators=("linear",)),
        Capability(("input",), ("int8", "int4"), round_methods=("round",), operators=("conv2d",)),
    )
    rules, _ = device_rules(chip(*rows), REGISTRY, {})
    assert [rule.message for rule in rules if "input" in rule.roles] == [
        "acme.chip takes input dtype int8 or int4.",
        "acme.chip takes input int8 only with round_method floor or round.",
        "acme.chip takes input int4 only with round_method round.",
    ]


def test_sizes_count_with_their_scheme_and_stored_scales_where_they_are_floats() -> None:
    row = Capability(
        ("weight",),
        ("int8", "mxfp4"),
        group_sizes=(32, 128),
        block_sizes=((16, 16), (128, 128)),
        scale_dtypes=(ScaleDtype.float16,),
    )
    spec = chip(row)
    assert texts(spec) == [
        "acme.chip takes weight dtype int8 or mxfp4.",
        "acme.chip takes weight int8 only with group_size 32 or 128.",
        "acme.chip takes weight int8 only with block_size [16, 16] or [128, 128].",
        "acme.chip takes weight int8 only with scale_dtype float16.",
    ]

    def fixes(**tensor: object) -> list[str]:
        given: dict[str, object] = {"dtype": "int8", **tensor}
        defaults = defaults_for(REGISTRY.dtypes()["int8"])
        rules = device_rules(spec, REGISTRY, {"profile": "small", "fast": False})[0]
        mine = [rule for rule in rules if "weight" in rule.roles]
        return [rule.fix(name, given.get(name)) for rule in mine for name, _ in rule.broken(given, defaults)]

    float16 = {"scale_dtype": "float16"}
    assert fixes(**float16) == []
    assert fixes() == ["write scale_dtype: float16"]
    assert fixes(scale_type="pof2") == []
    assert fixes(**float16, qscheme="per_group", group_size=32) == []
    assert fixes(**float16, qscheme="per_group", group_size=100) == ["write group_size: 128"]
    # Without the scheme the size is wrong whatever it is, and that is said already.
    assert fixes(**float16, group_size=100) == []
    assert fixes(**float16, qscheme="per_block", block_size=[128, 128]) == []
    assert fixes(**float16, qscheme="per_block", block_size=[16, 17]) == ["write block_size: [16, 16]"]


def test_two_devices_of_one_name_do_not_share_their_rules() -> None:
    """A bug of its first version: rules were kept by name, and a test of one device spoiled another's."""
    assert texts(chip(INT8)) == ["acme.chip with profile small takes weight dtype int8."]
    assert texts(chip(Capability(("weight",), ("int4",)))) == ["acme.chip takes weight dtype int4."]


def test_messages_name_only_the_options_that_matter_there() -> None:
    wide = Capability(("input",), ("int8",), when={"fast": (True,)})
    rules, _ = device_rules(chip(INT8, wide), REGISTRY, {"profile": "small", "fast": True})
    assert [rule.message for rule in rules if {"weight", "input"} & set(rule.roles)] == [
        "acme.chip with profile small takes weight dtype int8.",
        "acme.chip with fast true takes input dtype int8.",
    ]


def test_a_device_without_limits() -> None:
    assert texts(chip()) == []
