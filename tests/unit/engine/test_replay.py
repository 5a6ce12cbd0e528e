"""A replay shows the output of each layer, and goes on with what it gets back."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from quark_core.engine.marks import set_codes
from quark_core.engine.replay import replay
from tests.plugins.fx.graphs import IN8, quantized
from tests.unit.engine.sample_nets import mlp, run

X = torch.randn(8, 6, generator=torch.Generator().manual_seed(3))


def seen_of(model: nn.Module, inputs: Any, layers: list[str]) -> tuple[dict[str, list[Tensor]], Any]:
    seen: dict[str, list[Tensor]] = {}

    def see(layer: str, value: Tensor) -> None:
        seen.setdefault(layer, []).append(value)

    with torch.no_grad():
        return seen, replay(model, inputs, see, layers)


@pytest.mark.parametrize("mode", ["eager_mode", "fx_graph_mode"])
def test_layers_are_shown_in_order_and_the_result_is_that_of_a_call(mode: str) -> None:
    model = run(mlp(), X, mode=mode, **IN8).model
    seen, result = seen_of(model, (X,), ["0", "2"])
    assert list(seen) == ["0", "2"]
    assert torch.equal(result, model(X))
    assert torch.equal(seen["2"][0], result)
    assert list(seen_of(model, (X,), ["2"])[0]) == ["2"]


@pytest.mark.parametrize("mode", ["eager_mode", "fx_graph_mode"])
def test_a_value_that_is_given_back_takes_its_place(mode: str) -> None:
    model = run(mlp(), X, mode=mode, **IN8).model
    with torch.no_grad():
        result = replay(model, (X,), lambda layer, value: 0 * value if layer == "0" else None, ["0", "2"])
        zeros = torch.zeros(8, 16)
        assert torch.equal(result, model.get_submodule("2")(zeros) if mode == "eager_mode" else result[:1].expand(8, 4))


@pytest.mark.parametrize("mode", ["eager_mode", "fx_graph_mode"])
def test_named_inputs(mode: str) -> None:
    model: Any = run(mlp(), {"input": X}, mode=mode, **IN8).model
    name = "input" if mode == "eager_mode" else next(iter(model.graph.nodes)).target
    assert torch.equal(seen_of(model, {str(name): X}, [])[1], model(X))


def test_the_first_of_several_outputs_is_shown() -> None:
    net = nn.Sequential()
    net.add_module("rnn", nn.GRU(6, 4))
    seen, result = seen_of(net, (X,), ["rnn"])
    assert torch.equal(seen["rnn"][0], result[0])
    with torch.no_grad():
        changed = replay(net, (X,), lambda _layer, value: value + 1, ["rnn"])
    assert torch.equal(changed[0], result[0] + 1)
    assert torch.equal(changed[1], result[1])


def test_codes_are_shown_as_values_and_cannot_be_replaced() -> None:
    model: Any = quantized(mlp(), X, **IN8).model
    [node] = [node for node in model.graph.nodes if node.meta.get("quark_result") == "2"]
    set_codes(node, 0.5, 3)
    seen, result = seen_of(model, (X,), ["2"])
    assert torch.equal(seen["2"][0], (result - 3) * 0.5)
    with pytest.raises(ValueError, match="codes cannot be replaced"):
        replay(model, (X,), lambda _layer, value: value, ["2"])
