"""What patterns cover, and what is said of those that match nothing."""

import re
from pathlib import Path

import pytest

from quark_core.matching import match_patterns
from quark_core.plugin.outline import LayerOutline, Outline
from tests.unit.outlines import INT8, NET, config, faults, from_file, linear

INSIDE = ("body", "body.0", "body.1", "body.2")
ALL = tuple(layer.name for layer in NET.layers)


@pytest.mark.parametrize(
    ("pattern", "covered"),
    [
        ("head", ("head",)),
        ("body.0", ("body.0",)),
        ("body", INSIDE),
        ("glob:body.*", ("body.0", "body.1", "body.2")),
        ("glob:*", ALL),
        ("glob:body.[02]", ("body.0", "body.2")),
        ("glob:b??y", INSIDE),
        ("re:body", INSIDE),
        (r"re:body\.\d", ("body.0", "body.1", "body.2")),
        (r"re:(?:head|body\.2)", ("body.2", "head")),
        ("re:.*", ALL),
        ("type:Linear", ("body.0", "body.2", "head")),
        ("type:MyLinear", ("body.0",)),
        ("type:Sequential", INSIDE),
        ("type:Net", ALL),
    ],
)
def test_what_a_pattern_covers(pattern: str, covered: tuple[str, ...]) -> None:
    made = config(weight=INT8, layers=[{"match": pattern, "skip": ["weight"]}])
    matches, problems = match_patterns(made, NET)
    assert problems == []
    assert matches.covered == {0: covered}


def test_a_list_of_patterns_covers_what_any_of_them_covers() -> None:
    made = config(weight=INT8, layers=[{"match": ["head", "type:MyLinear", "body.0"], "skip": ["weight"]}])
    assert match_patterns(made, NET)[0].covered == {0: ("head", "body.0")}


def test_entries_come_in_the_order_of_the_config() -> None:
    skip = {"skip": ["weight"]}
    made = config(layers=[{"match": "glob:body.*"} | skip, {"match": "head"} | skip, {"match": "body.0"} | skip])
    matches, _ = match_patterns(made, NET)
    assert matches.entries("body.0") == (0, 2)
    assert matches.entries("head") == (1,)
    assert matches.entries("bodyguard") == ()


def test_the_last_exclude_pattern_is_named() -> None:
    matches, _ = match_patterns(config(exclude=["body", "body.2"]), NET)
    assert matches.excluded == {"body": 0, "body.0": 0, "body.1": 0, "body.2": 1}


@pytest.mark.parametrize(
    ("pattern", "fix"),
    [
        ("haed", "did you mean 'head'?"),
        ("body.9", "did you mean 'body.2' or 'body.1' or 'body.0'?"),
        ("glob:hea?d*", "did you mean 'head'?"),
        ("type:Liner", "did you mean 'type:Linear' or 'type:MyLinear'?"),
        ("re:(?:a)?hed", "did you mean 'head'?"),
        ("xyz", "the model's layers are: body, body.0, body.1, body.2, bodyguard, head; see `quark plan`"),
        ("type:Q", "the model's classes are: LayerNorm, Linear, MyLinear, Net, ReLU, Sequential; see `quark plan`"),
    ],
)
def test_a_pattern_that_matches_nothing_has_a_suggestion(pattern: str, fix: str) -> None:
    for made in (config(weight=INT8, exclude=[pattern]), config(layers=[{"match": pattern, "weight": INT8}])):
        (problem,) = (p for p in faults(made) if p.code == "unmatched_pattern")
        assert problem.message == f"pattern {pattern!r} matches no layer of this model"
        assert problem.fix == fix


def test_a_long_list_of_layers_is_cut() -> None:
    many = Outline(tuple(linear(f"layer{i}", 4, 4) for i in range(9)))
    (problem,) = faults(config(weight=INT8, exclude=["zzz"]), many)
    assert problem.fix == "the model's layers are: layer0, layer1, layer2, layer3, layer4, layer5, …; see `quark plan`"


def test_a_model_that_is_one_layer_has_no_names_to_offer() -> None:
    (problem,) = faults(config(weight=INT8, exclude=["fc"]), Outline((linear("", 4, 4),)))
    assert problem.fix == "this model is one layer without a name; match it with type:Linear"


def test_a_regular_expression_that_is_none_is_a_problem() -> None:
    made = config(weight=INT8, exclude=["re:("])
    (problem,) = faults(made)
    assert re.match(r"'re:\(' is not a regular expression: missing \)", problem.message)
    assert problem.path == ("exclude", 0)


def test_problems_know_their_place(tmp_path: Path) -> None:
    text = (
        "weight: {dtype: int8}\nexclude: [head, bodi]\nlayers:\n"
        "  - match: haed\n    skip: [weight]\n  - match: [head, 'type:Lin']\n    skip: [weight]\n"
    )
    found = faults(from_file(tmp_path, text))
    places = [(p.dotted, p.place.line, p.place.column) for p in found if p.place]
    assert places == [("exclude[1]", 2, 17), ("layers[0].match[0]", 4, 12), ("layers[1].match[1]", 6, 19)]
    assert "net.yaml:2:17" in str(found[0])
    assert "   2 | exclude: [head, bodi]" in str(found[0])


def test_containers_alone_cover_nothing_that_only_sounds_alike() -> None:
    # "body" is a prefix of "bodyguard" as text, not as a path.
    assert LayerOutline("bodyguard", ("LayerNorm",)).name not in INSIDE
    matches, _ = match_patterns(config(exclude=["body"]), NET)
    assert "bodyguard" not in matches.excluded
