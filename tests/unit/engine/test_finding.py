"""Quantizers are found at modules, at nodes, and behind operators that move values."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx, nn

from quark_core import QuantConfig, TensorConfig, quantize
from quark_core.engine.authoring import note, quantizer_at, quantizer_behind, quantizer_called

INT8 = TensorConfig(dtype="int8")


class Moves(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 6), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.second(self.first(x).reshape(-1, 2, 3).transpose(1, 0))
        return y


def quantized(mode: str) -> Any:
    config = QuantConfig(mode=mode, weight=INT8, input=INT8, output=INT8)
    return quantize(Moves(), config, calibration=[torch.randn(5, 4)], progress=False).model


def test_a_modules_quantizers_are_found_by_the_name_of_the_tensor() -> None:
    layer = quantized("eager_mode").first
    found = [quantizer_at(layer, name) for name in ("weight", "input", "output")]
    assert [quantizer and quantizer.key for quantizer in found] == ["first.weight", "first.input", "first.output"]
    assert quantizer_at(layer, "bias") is None
    assert quantizer_at(nn.Linear(2, 2), "weight") is None


def test_a_nodes_quantizer_is_the_one_that_it_calls() -> None:
    graph: fx.GraphModule = quantized("fx_graph_mode")
    keys = {q.key for node in graph.graph.nodes if (q := quantizer_called(node, graph)) is not None}
    assert "first.output" in keys
    assert [quantizer_called(node, graph) for node in graph.graph.nodes if node.op == "placeholder"] == [None]
    assert quantizer_called(1.5, graph) is None


def test_values_that_only_moved_lie_on_the_grid_before() -> None:
    graph: fx.GraphModule = quantized("fx_graph_mode")
    moved = [node for node in graph.graph.nodes if (known := note(node)) is not None and known.moves]
    assert moved
    for node in moved:
        quantizer = quantizer_behind(node, graph)
        assert quantizer is not None
        assert quantizer.key == "first.output"
        assert quantizer_called(node, graph) is None
