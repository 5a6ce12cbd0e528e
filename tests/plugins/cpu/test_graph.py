"""Lowered graphs: codes flow from layer to layer, quantizers move in front of what only moves."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, fx, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from quark_core import quantize
from quark_core.engine.authoring import quantizers
from quark_cpu.hoist import hoist
from tests.plugins.cpu.shared import INT8, ROWS8, UINT8, decibels, lowered, outputs, paths, reasons
from tests.plugins.fx.test_random_graphs import BINARY, UNARY
from tests.unit.engine.sample_nets import config

NEAR = 38.0
"""Decibels: a code here and there differs by one."""


class Residual(nn.Module):
    """Convolutions with what stands between them in real networks."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.one = nn.Conv2d(8, 8, 3, padding=1)
        self.two = nn.Conv2d(16, 8, 1)
        self.head = nn.Linear(8 * 4 * 4, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu6(self.stem(x))
        y = F.relu(self.one(x))
        z = F.max_pool2d(self.two(torch.cat([x, y], 1)) + x, 2)
        result: Tensor = self.head(z.flatten(1))
        return result


X = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(5))


def targets(graph: nn.Module) -> list[str]:
    assert isinstance(graph, fx.GraphModule)
    modules = dict(graph.named_modules())
    nodes = [node for node in graph.graph.nodes if node.op == "call_module"]
    return [type(modules[str(node.target)]).__name__ for node in nodes]


@pytest.mark.parametrize("given", [INT8, UINT8])
@pytest.mark.parametrize("with_output", [False, True])
def test_a_residual_network(given: dict[str, Any], with_output: bool) -> None:
    parts = {"output": given} if with_output else {}
    result = lowered(Residual(), X, mode="fx_graph_mode", weight=ROWS8, input=given, **parts)
    assert decibels(*outputs(result, X)) > NEAR
    assert decibels(*outputs(result, 2 * X[:3])) > NEAR
    layers = {name: path for name, path in paths(result).items() if name in ("stem", "one", "two", "head")}
    assert layers == dict.fromkeys(layers, "kernel")
    assert (paths(result)["add"], reasons(result)["add"]) == ("kernel", "quantized add")


def test_codes_flow_without_a_float_between_convolutions() -> None:
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3), nn.ReLU6(), nn.Flatten(), nn.Linear(8, 4)
    )
    result = lowered(net, X, mode="fx_graph_mode", weight=ROWS8, input=UINT8)
    assert result.lowered is not None
    assert targets(result.lowered) == ["ToCodes", "CodesConv", "MaxPool2d", "CodesConv", "Flatten", "CodesLinear"]
    assert not list(quantizers(result.lowered))
    assert decibels(*outputs(result, X)) > NEAR
    assert [layer.final_db is not None for layer in result.report.layers] == [True] * 3


def test_relu6_stays_where_saturation_does_not_stand_in_for_it() -> None:
    torch.manual_seed(0)

    # Its neighbours give the shared quantizer a range far beyond 6.
    class Joined(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = (nn.Conv2d(3, 4, 1) for _ in range(3))
            self.d = nn.Conv2d(8, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = self.d(torch.cat([F.relu6(9 * self.a(x)), 30 * self.b(x)], 1))
            return result

    result = lowered(Joined(), X, mode="fx_graph_mode", weight=ROWS8, input=UINT8, exclude=["c"])
    assert result.lowered is not None
    assert decibels(*outputs(result, X)) > NEAR


def test_what_is_read_as_float_is_dequantized_once() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            y = self.a(x)
            result: Tensor = self.b(y) + torch.sigmoid(y) + torch.tanh(y)
            return result

    parts: dict[str, Any] = {"weight": ROWS8, "input": UINT8, "output": UINT8}
    result = lowered(Both(), X, mode="fx_graph_mode", **parts)
    assert result.lowered is not None
    assert targets(result.lowered).count("ToValues") == 2
    assert decibels(*outputs(result, X)) > NEAR


def test_large_images_are_pooled() -> None:
    """torch pools bytes only of small images."""
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.Conv2d(4, 4, 3))
    for x in (torch.randn(2, 3, 40, 41), torch.randn(1, 3, 9, 300)):
        result = lowered(net, x, mode="fx_graph_mode", weight=ROWS8, input=INT8)
        assert decibels(*outputs(result, x)) > NEAR


def test_pooling_that_tells_where_stays_as_it_is() -> None:
    class Where(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            values, _ = F.max_pool2d(self.a(x), 2, return_indices=True)
            result: Tensor = self.b(values)
            return result

    for output in ({}, {"output": INT8}):
        result = lowered(Where(), X, mode="fx_graph_mode", weight=ROWS8, input=INT8, **output)
        assert decibels(*outputs(result, X)) > NEAR


def test_unused_float_weights_are_gone() -> None:
    result = lowered(Residual(), X, mode="fx_graph_mode", weight=ROWS8, input=INT8)
    assert result.lowered is not None
    assert not list(result.lowered.parameters())


def test_lowering_twice_and_many_times() -> None:
    """Each run of a lowered graph gives the same: nothing works in place on what another layer reads."""
    result = lowered(Residual(), X, mode="fx_graph_mode", weight=ROWS8, input=UINT8)
    first, second = outputs(result, X)[1], outputs(result, X)[1]
    assert torch.equal(first, second)


MOVING = ("max_pool", "transpose", "reshape", "pad", "nearest", "chunks", "relu")


@settings(max_examples=25, deadline=None, derandomize=True)
@given(names=st.lists(st.sampled_from(MOVING), min_size=1, max_size=4), signed=st.booleans())
def test_quantizers_commute_with_what_moves(names: list[str], signed: bool) -> None:
    class Moved(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            y = self.a(x)
            for name in names:
                y = UNARY[name](y)
            result: Tensor = self.b(y)
            return result

    made = config(mode="fx_graph_mode", weight=ROWS8, input=INT8 if signed else UINT8)
    result = quantize(Moved(), made, calibration=[X], progress=False)
    assert isinstance(result.model, fx.GraphModule)
    with torch.no_grad():
        exact = result.model(X)
        hoist(result.model)
        assert torch.equal(result.model(X), exact)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(data=st.data(), rule=st.sampled_from(["input", "both"]), signed=st.booleans())
def test_random_graphs(data: st.DataObject, rule: str, signed: bool) -> None:
    steps = data.draw(st.lists(st.sampled_from([*MOVING, "conv", *BINARY]), min_size=2, max_size=7))

    class Random(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(1)
            self.stem = nn.Conv2d(3, 4, 1)
            self.convs = nn.ModuleList(nn.Conv2d(4, 4, 3, padding=1) for _ in steps)

        def forward(self, x: Tensor) -> Tensor:
            values = [self.stem(x)]
            for step, conv in zip(steps, self.convs, strict=True):
                if step == "conv":
                    values.append(conv(values[-1]))
                elif step in BINARY:
                    values.append(BINARY[step](values[-1], values[len(values) // 2]))
                else:
                    values.append(UNARY[step](values[-1]))
            result: Tensor = values[-1]
            return result

    parts: dict[str, Any] = {"weight": ROWS8, "input": INT8 if signed else UINT8}
    if rule == "both":
        parts["output"] = parts["input"]
    result = lowered(Random(), X, mode="fx_graph_mode", **parts)
    exact, found = outputs(result, X)
    assert found.shape == exact.shape
    assert decibels(exact, found) > 30
