"""The picture of a graph: its nodes, and what each edge carries."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from quark_core import QuantConfig, make_plan
from quark_core.plugin import Drawable, Picture, PictureEdge, PictureNode
from quark_fx import FxOptions
from quark_fx.mode import FxGraph

INT8 = {"dtype": "int8"}
ASYM = {"dtype": "uint8", "symmetric": False}
BOTH: dict[str, Any] = {"weight": {"dtype": "int8", "qscheme": "per_channel"}, "input": ASYM, "output": ASYM}


def picture(model: nn.Module, *inputs: Tensor, options: dict[str, Any] | None = None, **parts: Any) -> Picture:
    """Return the picture of a model under a config."""
    mode = FxGraph(FxOptions.model_validate(options or {}))
    model = copy.deepcopy(model).eval()
    config = QuantConfig.model_validate({"mode": "fx_graph_mode", **parts})
    plan = make_plan(config, mode.outline(model, inputs or None))
    return mode.picture(model, plan, inputs or None)


def edges(found: Picture) -> list[tuple[str, str, str]]:
    """Return source, target and values of each edge."""
    return [(edge.source, edge.target, edge.carries) for edge in found.edges]


def test_graph_mode_can_be_drawn() -> None:
    assert isinstance(FxGraph(FxOptions.model_validate({})), Drawable)


def test_nodes_and_edges_of_a_chain() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))
    found = picture(model, torch.randn(2, 3, 2, 2), **BOTH)
    asym = "uint8 per_tensor asym"
    assert found.nodes == (
        PictureNode("input", "input", look="end"),
        PictureNode("0", "conv2d + relu", "int8 per_channel", look="quantized"),
        PictureNode("_2", "Flatten", look="moving"),
        PictureNode("3", "linear", "int8 per_channel", look="quantized"),
        PictureNode("output", "output", look="end"),
    )
    assert found.edges[:2] == (
        PictureEdge("input", "0", asym, (2, 3, 2, 2), "0.input"),
        PictureEdge("0", "_2", asym, (2, 4, 2, 2), "0.output"),
    )
    assert edges(found)[2:] == [("_2", "3", asym), ("3", "output", asym)]


def test_what_is_float_says_why_and_carries_its_dtype() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Softmax(-1))
    found = picture(model, weight=INT8, bias=INT8, exclude=["1"])
    assert found.nodes[1:4] == (
        PictureNode("0", "linear", "int8 per_tensor, bias int8 per_tensor", look="quantized"),
        PictureNode("1", "linear", note="excluded by exclude[0]"),
        PictureNode("2", "softmax"),
    )
    assert {edge.carries for edge in found.edges} == {"float32"}
    assert {edge.scale for edge in found.edges} == {""}


class Joined(nn.Module):
    """Two branches in one concatenation."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return eight channels."""
        return torch.cat([self.a(x), self.b(x)], 1)


def test_shared_scales_have_one_key() -> None:
    found = picture(Joined(), torch.randn(1, 3, 2, 2), **BOTH)
    scales = {(edge.source, edge.target): edge.scale for edge in found.edges}
    assert scales["a", "cat"] == scales["b", "cat"] == scales["cat", "output"] == "a.output"
    assert scales["x", "a"] == scales["x", "b"] == "a.input"


class Upsampling(nn.Module):
    """Moves values, then computes, under one name."""

    def forward(self, x: Tensor) -> Tensor:
        """Return an image of four times the size."""
        x = nn.functional.interpolate(x, scale_factor=2)
        return nn.functional.interpolate(x + x, scale_factor=2, mode="bilinear")


def test_operators_keep_their_names() -> None:
    found = picture(Upsampling(), torch.randn(1, 3, 2, 2), input=INT8)
    assert [(node.name, node.look) for node in found.nodes[1:4]] == [
        ("interpolate (2)", "moving"),
        ("add", "quantized"),
        ("interpolate", "float"),
    ]


class Tokens(nn.Module):
    """Integers in, three parts of one projection, an unknown function, sizes that no one wants to see."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.qkv = nn.Embedding(8, 4), nn.Linear(4, 12)
        self.bias = nn.Parameter(torch.zeros(4))

    def forward(self, tokens: Tensor) -> Tensor:
        """Return scores."""
        q, k, v = self.qkv(self.embed(tokens.clamp(min=0))).chunk(3, -1)
        result: Tensor = ((q @ k.transpose(1, 2)) @ v + self.bias).pow(2).view(tokens.size(0), -1)
        return result


def test_tuples_parameters_integers_and_unknown_functions() -> None:
    found = picture(Tokens(), torch.zeros(2, 3, dtype=torch.int64), input=INT8, weight=INT8)
    by_name = {node.name: node for node in found.nodes}
    assert by_name["chunk"] == PictureNode("chunk", "chunk", look="moving")
    assert by_name["pow"] == PictureNode("pow", "pow", note="unknown to graph mode")
    assert by_name["bias"] == PictureNode("bias", "parameter", look="end")
    assert "size" not in by_name
    assert not [name for name in by_name if "getitem" in name or "clamp" in name]
    assert edges(found)[:2] == [("tokens", "embed", "int64"), ("embed", "qkv", "int8 per_tensor")]
    assert ("chunk", "matmul", "int8 per_tensor") in edges(found)
    assert ("bias", "add", "int8 per_tensor") in edges(found)
    assert ("add", "pow", "float32") in edges(found)


class Attends(nn.Module):
    """A module that the graph keeps whole."""

    def __init__(self) -> None:
        super().__init__()
        self.attention, self.fc = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        """Return as many values."""
        result: Tensor = self.fc(self.attention(x, x, x)[0])
        return result


def test_a_module_that_is_kept_whole() -> None:
    for inputs in ((torch.randn(1, 3, 4),), ()):
        found = picture(Attends(), *inputs, weight=INT8)
        node = next(node for node in found.nodes if node.name == "attention")
        assert node.kind == "MultiheadAttention"
        assert (node.weight, node.look) == ("int8 per_tensor", "quantized")
        assert node.note == "kept whole, 2 tensors quantized in it"
        assert edges(found) == [
            ("x", "attention", "float32"),
            ("attention", "fc", "float32"),
            ("fc", "output", "float32"),
        ]


def test_every_edge_joins_nodes_of_the_picture_and_names_are_their_own() -> None:
    for model, inputs in ((Tokens(), torch.zeros(2, 3, dtype=torch.int64)), (Joined(), torch.randn(1, 3, 2, 2))):
        for trace in ("symbolic", "export"):
            found = picture(model, inputs, options={"trace": trace}, **BOTH)
            names = [node.name for node in found.nodes]
            assert len(set(names)) == len(names)
            assert {name for edge in found.edges for name in (edge.source, edge.target)} == set(names)
