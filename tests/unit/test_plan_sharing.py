"""Which activations share one quantizer, on outlines made by hand."""

from typing import Any

import pytest

from quark_core.errors import PlanError
from quark_core.plan import make_plan
from quark_core.plugin.outline import LayerOutline, Outline, TensorOutline
from tests.unit.outlines import INT8, config, from_file

PER_CHANNEL = {"dtype": "int8", "qscheme": "per_channel"}


def layer(name: str, reads: str, *, grid: str = "", joined: str | None = None, gives: bool = True) -> LayerOutline:
    """Return a layer that reads one value; its output is a value of its name."""
    axes: dict[str, Any] = {"channel_axis": -1, "group_axis": -1}
    tensors = [TensorOutline("input", "input", value=reads, grid=grid or reads, joined=joined, **axes)]
    if gives:
        tensors.append(TensorOutline("output", "output", value=name, grid=name, **axes))
    return LayerOutline(name, ("Op",), tuple(tensors))


def cat(name: str, *reads: str) -> LayerOutline:
    """Return a concatenation."""
    tensors = (
        TensorOutline("input", f"tensors{i}", value=read, grid=read, joined=f"joined by {name}")
        for i, read in enumerate(reads)
    )
    return LayerOutline(name, ("cat",), tuple(tensors))


def shared(*layers: LayerOutline, **parts: Any) -> dict[str, str]:
    """Return key -> key of the tensor whose quantizer serves it."""
    return {t.key: t.shared for t in make_plan(config(**parts), Outline(layers)).tensors() if t.shared}


def test_an_output_serves_its_readers() -> None:
    net = (layer("a", "x"), layer("b", "a"), layer("c", "a"))
    assert shared(*net, input=INT8, output=INT8) == {"b.input": "a.output", "c.input": "a.output"}


def test_readers_of_one_value_share_the_first() -> None:
    net = (layer("a", "x"), layer("b", "x"), layer("c", "a"))
    assert shared(*net, input=INT8) == {"b.input": "a.input"}


def test_a_moved_value_has_the_scale_of_its_source_where_that_is_quantized() -> None:
    net = (layer("a", "x"), layer("b", "pool", grid="a"))
    assert shared(*net, input=INT8, output=INT8) == {"b.input": "a.output"}
    assert shared(*net, input=INT8) == {}


def test_scales_for_each_channel_do_not_outlive_a_move() -> None:
    net = (layer("a", "x"), layer("b", "turned", grid="a"), layer("c", "a"))
    rules = {"input": PER_CHANNEL, "output": PER_CHANNEL, "layers": [{"match": "b", "skip": ["input"]}]}
    assert shared(*net, **rules) == {"c.input": "a.output"}


def test_what_is_joined_shares() -> None:
    net = (layer("a", "x"), layer("b", "x"), cat("cat", "a", "b"), layer("c", "cat", grid="joined by cat"))
    assert shared(*net, input=INT8) == {"b.input": "a.input", "cat.tensors1": "cat.tensors0", "c.input": "cat.tensors0"}
    everything = shared(*net, input=INT8, output=INT8)
    assert {key for key, owner in everything.items() if owner == "a.output"} == {
        *("b.output", "cat.tensors0", "cat.tensors1", "c.input")
    }


def test_joined_scales_for_each_channel_stay_apart() -> None:
    net = (layer("a", "x"), layer("b", "y"), cat("cat", "a", "b"))
    assert shared(*net, input=PER_CHANNEL) == {}


def test_different_settings_do_not_share() -> None:
    net = (layer("a", "x"), layer("b", "x"))
    assert shared(*net, input=INT8, layers=[{"match": "b", "input": {"dtype": "uint8"}}]) == {}


def test_outlines_without_values_share_nothing() -> None:
    tensor = TensorOutline("input", "input", channel_axis=-1)
    net = [LayerOutline(name, ("Linear",), (tensor,)) for name in ("a", "b")]
    assert shared(*net, input=INT8) == {}


def test_a_conflict_names_both_rules_and_the_place(tmp_path: Any) -> None:
    text = "output: {dtype: int8}\nlayers:\n  - match: b\n    input: {dtype: uint8}\n"
    made = from_file(tmp_path, text)
    with pytest.raises(PlanError) as caught:
        make_plan(made, Outline((layer("a", "x"), layer("b", "pool", grid="a"))))
    [problem] = caught.value.problems
    assert problem.code == "edge"
    assert problem.message.startswith("a.output and b.input are one edge of the graph, but output (net.yaml:1) makes")
    assert "layers[0].input (net.yaml:4) uint8" in problem.message
    assert problem.place is not None
    assert problem.place.line == 4
    assert "an edge has one quantizer" in problem.fix


def test_conflicts_of_one_reader_are_told_once() -> None:
    net = (layer("a", "x"), layer("b", "y"), cat("cat", "a", "b"))
    with pytest.raises(PlanError) as caught:
        make_plan(config(output=INT8, layers=[{"match": "cat", "input": {"dtype": "uint8"}}]), Outline(net))
    messages = [problem.message for problem in caught.value.problems]
    assert len(messages) == len(set(messages))
    assert messages[0].split(" are ")[0] == "a.output and cat.tensors0"
