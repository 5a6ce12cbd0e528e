"""``quark plan``: a table for people, JSON for programs, and what is said when it does not fit."""

import json
from pathlib import Path

from tests.unit.cli.conftest import GRAPH, Quark


def test_the_table_names_tensor_settings_and_line(quark: Quark) -> None:
    ran = quark("plan", "int8.yaml", "--model", "some_nets:net")
    assert (ran.code, ran.err) == (0, "")
    row = next(line for line in ran.out.splitlines() if line.startswith("0.weight"))
    assert " ".join(row.split()) == "0.weight weight 16x6 int8 per_tensor half_even min_max weight (int8.yaml:1)"
    assert "input (int8.yaml:2)" in ran.out
    assert ran.out.endswith("coverage: layers 2/2 (100.0%), parameters 160/180 (88.9%)\n")


def test_json_says_the_same(quark: Quark, work: Path) -> None:
    text = "weight: {dtype: int8}\nexclude:\n  - '0'\n"
    (work / "part.yaml").write_text(text, encoding="utf-8")
    ran = quark("plan", "part.yaml", "--model", "some_nets:net", "--json")
    assert json.loads(ran.out) == {
        "tensors": [
            {
                "tensor": "2.weight",
                "layer": "2",
                "role": "weight",
                "shape": [4, 16],
                "settings": "int8 per_tensor half_even min_max",
                "shared": None,
                "rule": "weight",
                "place": "part.yaml:1:1",
            }
        ],
        "left_float": [{"layer": "0", "type": "Linear", "why": "excluded by exclude[0] (part.yaml:3)"}],
        "coverage": {"layers": 2, "quantized_layers": 1, "parameters": 180, "quantized_parameters": 64},
        "changes": [],
    }


def test_layers_that_stay_float_have_a_table_of_their_own(quark: Quark, work: Path) -> None:
    (work / "part.yaml").write_text("weight: {dtype: int8}\nexclude: ['0']\n", encoding="utf-8")
    out = quark("plan", "part.yaml", "--model", "some_nets:net").out
    assert "left in float" in out
    assert "excluded by exclude[0] (part.yaml:2)" in out


def test_every_misfit_is_shown_with_its_place(quark: Quark, work: Path) -> None:
    text = "weight: {dtype: int8}\nexclude: [head]\nlayers:\n  - match: type:Lineer\n    skip: [weight]\n"
    (work / "wrong.yaml").write_text(text, encoding="utf-8")
    ran = quark("plan", "wrong.yaml", "--model", "some_nets:net")
    assert ran.code == 1
    assert "wrong.yaml:2:11: exclude[0]: pattern 'head' matches no layer of this model" in ran.err
    assert "   2 | exclude: [head]\n     |           ^^^^" in ran.err
    assert "wrong.yaml:4:12" in ran.err
    assert "did you mean 'type:Linear'?" in ran.err


def test_the_model_is_not_run(quark: Quark, work: Path) -> None:
    assert quark("plan", "int8.yaml", "--model", "some_nets:two").code == 0


def test_shared_quantizers_are_named_and_equal_operators_counted(quark: Quark, work: Path) -> None:
    (work / "graph.yaml").write_text(GRAPH, encoding="utf-8")
    out = quark("plan", "graph.yaml", "--model", "some_nets:powers").out
    row = next(line for line in out.splitlines() if line.startswith("second.input"))
    assert " ".join(row.split()) == "second.input input - = first.output input (graph.yaml:3)"
    assert [" ".join(line.split()) for line in out.splitlines() if "not known" in line] == [
        "3 x pow pow pow is not known to graph mode",
        "exp exp exp is not known to graph mode",
    ]
    found = json.loads(quark("plan", "graph.yaml", "--model", "some_nets:powers", "--json").out)
    assert {t["tensor"]: t["shared"] for t in found["tensors"]}["second.input"] == "first.output"
    assert len(found["left_float"]) == 4
