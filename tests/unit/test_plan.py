"""Config and outline -> plan: who decides about each tensor, coverage, and every fault at once."""

from pathlib import Path

from quark_core.plan import make_plan
from quark_core.plugin.outline import LayerOutline, Outline, TensorOutline
from quark_core.plugin.plan import Coverage, Plan
from tests.unit.outlines import INT8, NET, config, faults, from_file, keys, linear, plan

INT4 = {"dtype": "int4"}
FP8 = {"dtype": "fp8_e4m3"}


def chosen(made: Plan) -> dict[str, tuple[str, str]]:
    """Return tensor -> dtype and rule."""
    return {t.key: (t.settings.dtype.name, t.origin.rule) for t in made.tensors()}


def test_the_root_says_what_holds_everywhere() -> None:
    assert chosen(plan(weight=INT8)) == {
        "body.0.weight": ("int8", "weight"),
        "body.2.weight": ("int8", "weight"),
        "head.weight": ("int8", "weight"),
    }


def test_later_entries_win_role_by_role() -> None:
    made = plan(
        weight=INT8,
        input=INT8,
        layers=[
            {"match": "type:Linear", "weight": INT4, "input": FP8},
            {"match": "body", "weight": FP8},
            {"match": "body.2", "skip": ["input"]},
            {"match": "head", "skip": ["weight"]},
            {"match": "head", "weight": INT8},
        ],
    )
    assert chosen(made) == {
        "body.0.weight": ("fp8_e4m3", "layers[1].weight"),
        "body.0.input": ("fp8_e4m3", "layers[0].input"),
        "body.2.weight": ("fp8_e4m3", "layers[1].weight"),
        "head.weight": ("int8", "layers[4].weight"),
        "head.input": ("fp8_e4m3", "layers[0].input"),
    }


def test_exclude_wins_over_everything() -> None:
    made = plan(weight=INT8, layers=[{"match": "head", "weight": INT4}], exclude=["glob:h*"])
    assert keys(made) == ["body.0.weight", "body.2.weight"]
    assert [layer.reason for layer in made.layers if layer.name == "head"] == ["excluded by exclude[0]"]


def test_layers_that_stay_float_say_why() -> None:
    made = plan(input=INT8, layers=[{"match": "body.0", "weight": INT8}, {"match": "head", "skip": ["weight"]}])
    assert {layer.name: layer.reason for layer in made.layers} == {
        "body.0": "",
        "body.2": "weight: no rule names weight",
        "bodyguard": "LayerNorm has no quantized form",
        "head": "weight: skipped by layers[1].skip",
    }


def test_operators_without_parameters_that_stay_float_are_listed_too() -> None:
    call = LayerOutline("<linear>", ("linear",), unsupported="a functional operator; it stays float")
    made = plan(Outline((*NET.layers, call)), weight=INT8)
    assert made.layers[-1].reason == "a functional operator; it stays float"
    assert made.coverage == Coverage(layers=4, quantized_layers=3, parameters=416, quantized_parameters=400)


def test_origins_know_file_and_line(tmp_path: Path) -> None:
    text = "weight: {dtype: int8}\nlayers:\n  - match: head\n    weight:\n      dtype: int4\nexclude:\n  - body.2\n"
    made = make_plan(from_file(tmp_path, text), NET)
    assert [str(t.origin) for t in made.tensors()] == ["weight (net.yaml:1)", "layers[0].weight (net.yaml:4)"]
    assert [x.reason for x in made.layers if x.name == "body.2"] == ["excluded by exclude[0] (net.yaml:7)"]
    place = next(made.tensors()).origin.place
    assert place is not None
    assert place.file == str(tmp_path / "net.yaml")


def test_coverage_counts_layers_and_values() -> None:
    made = plan(weight=INT8, exclude=["body.2"])
    assert made.coverage == Coverage(layers=4, quantized_layers=2, parameters=416, quantized_parameters=336)
    assert str(made.coverage) == "layers 2/4 (50.0%), parameters 336/416 (80.8%)"


def test_a_layer_counts_when_its_weight_is_quantized_not_its_bias() -> None:
    weight = TensorOutline("weight", "weight", (4, 4), group_axis=1, storage="fc.weight", elements=16)
    bias = TensorOutline("bias", "bias", (4,), storage="fc.bias", elements=4)
    net = Outline((LayerOutline("fc", ("Linear",), (weight, bias), 20),))
    assert plan(net, bias=INT8).coverage == Coverage(1, 0, 20, 4)
    assert plan(net, weight=INT8, bias=INT8).coverage == Coverage(1, 1, 20, 20)


def test_a_tied_weight_counts_for_both_layers_and_its_values_once() -> None:
    bias = TensorOutline("bias", "bias", (8,), storage="head.bias", elements=8)
    head = linear("head", 8, 4, storage="embed.weight", elements=0)
    head = LayerOutline("head", head.types, (*head.tensors, bias), 8)
    made = plan(Outline((linear("embed", 8, 4), head)), weight=INT8)
    assert made.coverage == Coverage(layers=2, quantized_layers=2, parameters=40, quantized_parameters=32)


def test_every_fault_is_reported_at_once() -> None:
    made = config(
        weight={"dtype": "int4", "qscheme": "per_group", "group_size": 32},
        layers=[{"match": "haed", "weight": INT8}, {"match": "body.0", "output": INT8}],
        exclude=["nothing"],
    )
    codes = [problem.code for problem in faults(made)]
    assert codes == ["unmatched_pattern", "unmatched_pattern", "no_effect", "group_size", "group_size"]


def test_an_entry_without_effect_says_why(tmp_path: Path) -> None:
    text = "weight: {dtype: int8}\nlayers:\n  - match: bodyguard\n    weight: {dtype: int4}\n"
    (problem,) = faults(from_file(tmp_path, text))
    assert problem.message == (
        "no layer that this entry matches has a quantizable weight (bodyguard: LayerNorm has no quantized form)"
    )
    assert problem.fix == "remove weight from the entry, or match other layers"
    assert (problem.dotted, problem.place and problem.place.line) == ("layers[0].weight", 4)


def test_setting_and_skipping_the_same_role_is_a_contradiction() -> None:
    (problem,) = faults(config(weight=INT8, layers=[{"match": "head", "weight": INT4, "skip": ["weight"]}]))
    assert problem.message == "this entry both sets weight and skips it"
    assert problem.path == ("layers", 0, "skip")


def test_nothing_to_do_is_an_error() -> None:
    (problem,) = faults(config(exclude=["head"]))
    assert problem.code == "nothing_to_do"
    (problem,) = faults(config(weight=INT8, exclude=["type:Net"]))
    assert problem.message == "this config quantizes nothing in this model (excluded by exclude[0])"


def test_a_role_that_the_model_does_not_have_is_nothing_to_do() -> None:
    (problem,) = faults(config(output=INT8), Outline((linear("fc", 4, 4),)))
    assert problem.code == "nothing_to_do"


def test_shapes_and_settings_are_in_the_plan() -> None:
    tensor = next(plan(weight={"dtype": "int8", "qscheme": "per_channel"}).tensors())
    assert (tensor.layer, tensor.role, tensor.name, tensor.shape) == ("body.0", "weight", "weight", (8, 32))
    assert tensor.settings.describe() == "int8 per_channel axis 0 half_even min_max"


def test_without_layers_nothing_matches() -> None:
    assert [p.code for p in faults(config(weight=INT8), Outline())] == ["nothing_to_do"]
