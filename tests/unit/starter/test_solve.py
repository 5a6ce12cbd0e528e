"""First configs for devices of anybody: found from what they say of themselves, and valid."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quark_core.config.load import loads_config
from quark_core.config.scaling import ScaleDtype
from quark_core.config.type import QSchemeType, ScaleType
from quark_core.errors import UnknownNameError, UsageError
from quark_core.plugin import (
    Capability,
    CodecFormat,
    DeviceSpec,
    DtypeSpec,
    IntFormat,
    ModeLimit,
    Options,
    Ref,
    hookimpl,
)
from quark_core.registry import Registry
from quark_core.starter.blocks import config_blocks
from quark_core.starter.solve import Start, able_dtypes, able_whats, find, solve
from quark_core.starter.text import as_text
from quark_core.starter.wishes import What, Wish, dtype_of
from tests.contract.acme import bundled_registry


class ChipOptions(Options):
    """A chip."""

    name: Literal["acme.chip"] = "acme.chip"
    size: Literal["small", "large"] = "small"
    """Its size."""


class BareOptions(Options):
    """A chip that must be told its size."""

    name: Literal["acme.chip"] = "acme.chip"
    size: Literal["small", "large"]
    """Its size."""


def registry_with(
    *rows: Capability, modes: tuple[ModeLimit, ...] = (), options: type[Options] = ChipOptions
) -> Registry:
    module: Any = ModuleType("acme_chip")
    module.QUARK_API = 1
    spec = DeviceSpec(options, Ref("nowhere:Chip"), rows or None, modes)
    module.quark_devices = hookimpl(lambda: [spec], specname="quark_devices")
    codec: Any = CodecFormat(8, 1.0, Ref("nowhere:Codec"))
    dtypes = [DtypeSpec("acme.int3", IntFormat(3), "3-bit\ninteger: # \x1b[1m"), DtypeSpec("acme.posit8", codec)]
    module.quark_dtypes = hookimpl(lambda: dtypes, specname="quark_dtypes")
    registry = bundled_registry()
    registry.add(module, "acme")
    return registry


def wish(bits: str, what: What, registry: Registry) -> Wish:
    return Wish("acme.chip", dtype_of(bits, registry), what)


def started(bits: str, what: What, registry: Registry) -> Start:
    """Return what is said, once it is proved valid in every format."""
    start = solve(wish(bits, what, registry), registry)
    for name in ("yaml", "toml", "json"):
        text = as_text(config_blocks(start, registry), name, "a")
        loads_config(text, name, registry=registry)
    return start


def test_a_device_that_takes_everything() -> None:
    start = started("8", What.both, registry_with())
    assert (start.device, start.mode) == ("acme.chip", "eager_mode")
    assert start.tensors == {
        "weight": {"dtype": "int8", "qscheme": "per_channel"},
        "input": {"dtype": "uint8", "symmetric": False},
    }


def test_groups_where_the_device_takes_nothing_else() -> None:
    row = Capability(
        ("weight",),
        ("int4",),
        qschemes=(QSchemeType.per_group,),
        group_sizes=(48,),
        scale_dtypes=(ScaleDtype.float16,),
    )
    start = started("4", What.weights, registry_with(row))
    assert start.tensors == {
        "weight": {"dtype": "int4", "qscheme": "per_group", "group_size": 48, "scale_dtype": "float16"}
    }


def test_everything_that_a_device_demands_is_met() -> None:
    registry = registry_with(
        Capability(
            ("weight", "input", "output"),
            ("uint8", "int8"),
            qschemes=(QSchemeType.per_tensor,),
            scale_types=(ScaleType.pof2,),
            symmetric=(False,),
            round_methods=("floor",),
        ),
        modes=(ModeLimit(("fx_graph_mode",)),),
    )
    start = started("8", What.both, registry)
    rest = {"symmetric": False, "scale_type": "pof2", "round_method": "floor"}
    assert start.mode == "fx_graph_mode"
    assert start.tensors == {
        "weight": {"dtype": "int8", **rest},
        "input": {"dtype": "uint8", **rest},
        "output": {"dtype": "uint8", **rest},
    }


def test_unsigned_codes_never_lose_what_is_negative() -> None:
    registry = registry_with(Capability(("weight", "input"), ("int8", "uint8"), symmetric=(True,)))
    assert started("8", What.both, registry).tensors["input"] == {"dtype": "int8"}


def test_options_are_chosen_when_the_defaults_do_not_do() -> None:
    small = Capability(("weight",), ("int8",), when={"size": ("small",)})
    large = Capability(("weight", "input"), ("int4", "int8"), when={"size": ("large",)})
    registry = registry_with(small, large)
    assert started("8", What.weights, registry).device == "acme.chip"
    assert started("8", What.both, registry).device == {"name": "acme.chip", "size": "large"}
    assert started("4", What.weights, registry).device == {"name": "acme.chip", "size": "large"}


def test_options_without_a_default_are_named() -> None:
    rows = [Capability(("weight",), ("int8",), when={"size": (size,)}) for size in ("small", "large")]
    registry = registry_with(*rows, options=BareOptions)
    assert started("8", What.weights, registry).device == {"name": "acme.chip", "size": "small"}
    unknown = registry_with(Capability(("weight",), ("int8",)), options=BareOptions)
    with pytest.raises(UsageError, match=r"write a config by hand: `quark show device acme\.chip`"):
        solve(wish("8", What.weights, unknown), unknown)


@pytest.mark.parametrize(
    ("bits", "what", "said"),
    [
        ("4", What.weights, "acme.chip cannot do weights in int4: for weights it takes int8"),
        ("8", What.both, "cannot do weights-and-activations in int8: with int8 it can do weights"),
        ("16", What.dynamic, "cannot do dynamic in bfloat16: for weights it takes int8"),
    ],
)
def test_refusals_say_what_can_be_done(bits: str, what: What, said: str) -> None:
    registry = registry_with(Capability(("weight",), ("int8",)))
    with pytest.raises(UsageError) as refused:
        solve(wish(bits, what, registry), registry)
    assert said in str(refused.value)


def test_a_mode_that_is_not_installed_is_no_way() -> None:
    registry = registry_with(Capability(("weight",), ("int8",)), modes=(ModeLimit(("acme.mode",)),))
    assert able_dtypes("acme.chip", registry) == []


def test_dtypes_of_a_plugin() -> None:
    registry = registry_with()
    assert started("acme.int3", What.dynamic, registry).tensors["input"]["dtype"] == "uint8"
    assert started("acme.posit8", What.both, registry).tensors == {
        "weight": {"dtype": "acme.posit8", "qscheme": "per_channel"},
        "input": {"dtype": "acme.posit8"},
    }
    text = as_text(config_blocks(started("acme.int3", What.weights, registry), registry), "yaml", "a.yaml")
    assert "  dtype: acme.int3  # 3-bit integer: #  [1m.\n" in text


def test_bits_mean_the_first_signed_integer_or_cast() -> None:
    registry = registry_with()
    assert [dtype_of(bits, registry).name for bits in ("8", "4", "16", "nf4")] == ["int8", "int4", "bfloat16", "nf4"]
    with pytest.raises(UsageError, match="--bits 3: write one of 8, 4, 16, or the name of a dtype"):
        dtype_of("3", registry)
    with pytest.raises(UsageError, match="--bits 8: write one of"):
        dtype_of("8", Registry())
    with pytest.raises(UnknownNameError, match="adds dtype 'int9'"):
        dtype_of("int9", registry)


def test_what_blocks_cannot_divide_is_said() -> None:
    registry = registry_with()
    text = as_text(config_blocks(started("mx", What.both, registry), registry), "toml", "a.toml")
    assert "and those whose input channels are no multiple of 32\n" in text


ROLES = st.sets(st.sampled_from(["weight", "input", "output", "bias"]), min_size=1).map(lambda s: tuple(sorted(s)))
DTYPES = st.sampled_from(
    [("int8",), ("uint8", "int8"), ("int4",), ("bfloat16",), ("mx",), ("fp8_e4m3",), ("acme.int3",)]
)


def some(values: list[Any]) -> st.SearchStrategy[tuple[Any, ...] | None]:
    return st.none() | st.sets(st.sampled_from(values), min_size=1).map(lambda s: tuple(sorted(s)))


@st.composite
def rows(draw: st.DrawFn) -> list[Capability]:
    """Return rows of which no two cover the same tensors: each holds for another size."""
    made = []
    for size in draw(st.sampled_from([("small",), ("large",), ("small", "large")])):
        capability = Capability(
            draw(ROLES),
            draw(DTYPES),
            draw(some(list(QSchemeType)[:2])),
            draw(some(list(ScaleType))),
            draw(some([True, False])),
            draw(some(["floor", "round", "half_even"])),
            draw(some([True, False])),
            when={"size": (size,)},
        )
        made.append(capability)
    return made


@settings(max_examples=60, deadline=None)
@given(rows(), some(["eager_mode", "fx_graph_mode"]))
def test_whatever_is_found_for_any_device_is_valid(
    capabilities: list[Capability], modes: tuple[str, ...] | None
) -> None:
    registry = registry_with(*capabilities, modes=(ModeLimit(modes),) if modes else ())
    for what in What:
        names = able_dtypes("acme.chip", registry, what)
        assert set(names) <= {name for row in capabilities for name in row.dtypes}
        for name in names:
            assert what in able_whats("acme.chip", name, registry)
            start = started(name, what, registry)
            assert start.mode in (modes or ("eager_mode",))
            assert ("input" in start.tensors) is (what is not What.weights)
        for name in {"int8", "mx", "acme.int3"} - set(names):
            assert find(wish(name, what, registry), registry) is None
