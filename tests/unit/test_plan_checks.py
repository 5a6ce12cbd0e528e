"""Groups that do not divide, axes that do not exist, tied parameters that are treated differently."""

from pathlib import Path

import pytest

from quark_core.plugin.outline import LayerOutline, Outline, TensorOutline
from tests.unit.outlines import INT8, config, faults, from_file, keys, linear, plan

GROUPS = {"dtype": "int4", "qscheme": "per_group", "group_size": 32}


def net(columns: int) -> Outline:
    return Outline((linear("fc", 6, columns),))


def test_a_group_size_that_does_not_divide_names_layer_size_and_fix(tmp_path: Path) -> None:
    text = "weight:\n  dtype: int4\n  qscheme: per_group\n  group_size: 32\n"
    (problem,) = faults(from_file(tmp_path, text), net(48))
    assert problem.message == (
        "fc.weight (weight): group size 32 does not divide the 48 values along axis 1 of shape [6, 48]"
    )
    assert problem.fix == "write group_size: 24 or 16, or give 'fc' its own weight in layers, or exclude it"
    assert problem.place is not None
    assert problem.place.line == 4


def test_the_fix_of_a_prime_length_offers_that_length() -> None:
    (problem,) = faults(config(weight=GROUPS), net(7))
    assert problem.fix.startswith("write group_size: 7, or give")


def test_the_fix_of_a_single_value_offers_no_size() -> None:
    (problem,) = faults(config(weight=GROUPS), net(1))
    assert problem.fix == "give 'fc' its own weight in layers, or exclude it"


def test_a_dtype_that_fixes_its_group_size_says_so() -> None:
    (problem,) = faults(config(weight={"dtype": "mx"}), net(48))
    assert problem.fix == "mx fixes the group size at 32: give 'fc' its own weight in layers, or exclude it"


def test_groups_of_activations_are_checked_where_the_length_is_known() -> None:
    (problem,) = faults(config(input={"dtype": "mx"}), net(48))
    assert problem.message == "fc.input (input): group size 32 does not divide the 48 values along axis -1"
    assert keys(plan(net(64), input={"dtype": "mx"})) == ["fc.input"]


def test_an_axis_that_does_not_exist_is_a_fault() -> None:
    (problem,) = faults(config(weight={"dtype": "int8", "qscheme": "per_channel", "ch_axis": 2}), net(4))
    assert problem.message == "fc.weight (weight): axis 2 does not exist in shape [6, 4]"
    assert problem.fix == "write a ch_axis from -2 to 1"


@pytest.mark.parametrize("axis", [-2, -1, 0, 1])
def test_an_axis_that_exists_is_taken(axis: int) -> None:
    made = plan(net(4), weight={"dtype": "int8", "qscheme": "per_channel", "ch_axis": axis})
    assert [t.settings.axis for t in made.tensors()] == [axis]


def test_groups_along_another_axis_are_measured_there() -> None:
    weight = {"dtype": "int4", "qscheme": "per_group", "group_size": 3, "ch_axis": 0}
    assert keys(plan(net(4), weight=weight)) == ["fc.weight"]
    (problem,) = faults(config(weight=weight | {"group_size": 4}), net(4))
    assert "does not divide the 6 values along axis 0" in problem.message


TIED = Outline((linear("embed", 8, 4), linear("head", 8, 4, storage="embed.weight", elements=0)))


def test_tied_parameters_that_are_treated_alike_fit() -> None:
    assert keys(plan(TIED, weight=INT8)) == ["embed.weight", "head.weight"]


def test_tied_parameters_with_two_settings_are_a_fault() -> None:
    made = config(weight=INT8, layers=[{"match": "head", "weight": {"dtype": "int4"}}])
    (problem,) = faults(made, TIED)
    assert problem.message == (
        "head.weight and embed.weight are one tied parameter, but layers[0].weight makes head.weight int4 per_tensor "
        "half_even min_max and weight makes embed.weight int8 per_tensor half_even min_max"
    )


@pytest.mark.parametrize("excluded", ["embed", "head"])
def test_excluding_one_of_two_tied_layers_is_a_fault(excluded: str) -> None:
    (problem,) = faults(config(weight=INT8, exclude=[excluded]), TIED)
    assert f"{excluded}.weight stays float" in problem.message
    assert problem.fix == "treat both layers alike: the same settings for both, or exclude both"


def test_tied_inputs_do_not_exist() -> None:
    made = plan(TIED, weight=INT8, input=INT8, layers=[{"match": "head", "skip": ["input"]}])
    assert keys(made) == ["embed.weight", "embed.input", "head.weight"]


def test_a_root_layer_has_a_key_without_a_dot() -> None:
    weight = TensorOutline("weight", "weight", (4, 6), group_axis=1, storage="weight", elements=24)
    (problem,) = faults(config(weight=GROUPS), Outline((LayerOutline("", ("Linear",), (weight,), 24),)))
    assert problem.message.startswith("weight (weight): group size 32")


def test_rectangles_that_do_not_divide_name_layer_and_shape() -> None:
    weight = {"dtype": "fp8_e4m3", "qscheme": "per_block", "block_size": [4, 32]}
    (problem,) = faults(config(weight=weight), net(64))
    assert problem.message == "fc.weight (weight): blocks of 4x32 do not divide the last two axes of shape [6, 64]"
    assert keys(plan(net(64), weight={**weight, "block_size": [3, 32]})) == ["fc.weight"]
