"""Edges: one quantizer each, shared through what moves values, one for each call, and no conflicts unsaid."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from quark_core.engine.quantizer import quantizers
from quark_core.errors import PlanError
from tests.plugins.fx.graphs import ALL8, IN8, check_edges, planned, quantized, sqnr
from tests.unit.engine.sample_nets import DYNAMIC, INT8, ROWS8

BF16 = {"dtype": "bfloat16"}


class Moves(nn.Module):
    """Everything that moves values lies between two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 3), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.first(x)), 2)
        x = F.interpolate(F.pad(x, (1, 1, 1, 1)), scale_factor=2)
        x = self.second(x.transpose(2, 3).contiguous())
        x = x.flatten(2).transpose(1, 2).reshape(-1, 4)
        result: Tensor = self.last(x[:, [0, 1, 2, 3]].view(-1, 4))
        return result


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(4, 4, 3, padding=1) for _ in range(3))
        self.head = nn.Conv2d(12, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x)
        y = F.relu(self.b(x) + x)
        z = self.b(y)
        x = torch.cat([y, z, self.c(y)], 1)
        result: Tensor = self.head(F.max_pool2d(x, 2))
        return result


class Chunks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(8, 24), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).chunk(3, -1)
        y = F.scaled_dot_product_attention(q, k, v)
        w = torch.matmul(q, k.transpose(-2, -1)) * 0.1
        result: Tensor = self.out(y + torch.bmm(w.softmax(-1), v))
        return result


X = torch.randn(2, 3, 8, 8)
IMAGE, SEQUENCE = torch.randn(2, 4, 8, 8), torch.randn(2, 5, 8)
NETS = {"moves": (Moves, X), "residual": (Residual, IMAGE), "chunks": (Chunks, SEQUENCE)}
RULES: dict[str, dict[str, Any]] = {
    "in": IN8,
    "all": ALL8,
    "dynamic": {"weight": ROWS8, "input": DYNAMIC, "output": DYNAMIC},
    "bf16": {"weight": BF16, "input": BF16, "output": BF16},
    "uint8": {"input": {"dtype": "uint8", "symmetric": False}, "output": {"dtype": "uint8", "symmetric": False}},
}


@pytest.mark.parametrize("trace", ["symbolic", "export"])
@pytest.mark.parametrize("rules", list(RULES))
@pytest.mark.parametrize("name", list(NETS))
def test_each_edge_has_one_quantizer(name: str, rules: str, trace: str) -> None:
    made, x = NETS[name]
    torch.manual_seed(1)
    net = made()
    final = quantized(net, x, options={"trace": trace}, **RULES[rules]).model
    check_edges(final)
    assert sqnr(net(x), final(x)) > 20


def keys(net: nn.Module, x: Tensor, **rules: Any) -> set[str]:
    final = quantized(net, x, **rules).model
    return {q.key for q in quantizers(final) if q.tensor.role in ("input", "output")}


def test_outputs_serve_the_inputs_behind_them() -> None:
    assert keys(Moves(), X, **ALL8) == {"first.input", "first.output", "second.output", "last.output"}
    assert keys(Moves(), X, **IN8) == {"first.input", "second.input", "last.input"}


def test_a_concatenation_shares_one_scale() -> None:
    final = quantized(Residual(), IMAGE, **ALL8).model
    shared = {q.key for q in quantizers(final) if q.tensor.role in ("input", "output")}
    # y enters the concatenation, so that its addition, z, c and head have one scale.
    assert shared == {"a.input", "a.output", "b.output", "add.output", "head.output"}
    assert keys(Residual(), IMAGE, **IN8) == {"a.input", "b.input", "add.input", "b.call2.input"}


def test_each_call_has_its_own_quantizer() -> None:
    layer = nn.Linear(4, 4)
    net = nn.Sequential(layer, nn.Sigmoid(), layer)
    final = quantized(net, torch.randn(3, 4), **IN8).model
    assert {q.key for q in quantizers(final)} == {"0.weight", "0.input", "0.call2.input"}
    assert {q.calls for q in quantizers(final)} == {1}


def test_both_inputs_of_an_addition() -> None:
    class Skip(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            return torch.sigmoid(self.fc(x)) + torch.tanh(x)

    assert keys(Skip(), torch.randn(3, 4), **IN8) == {"fc.input", "add.input", "add.other"}


def test_the_same_value_twice() -> None:
    class Double(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = x.sigmoid()
            return torch.matmul(y + y, y)

    assert keys(Double(), torch.randn(4, 4), input=INT8) == {"add.input", "matmul.input"}


def test_two_rules_on_one_edge_are_a_conflict() -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
    with pytest.raises(PlanError) as caught:
        planned(net, torch.randn(2, 4), output=INT8, layers=[{"match": "2", "input": {"dtype": "uint8"}}])
    [problem] = caught.value.problems
    assert problem.code == "edge"
    assert problem.message.startswith("0.output and 2.input are one edge of the graph, but output makes it int8")
    assert "layers[0].input uint8" in problem.message


def test_a_skipped_input_is_none() -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
    plan = planned(net, torch.randn(2, 4), output=INT8, layers=[{"match": "2", "skip": ["output"]}])
    assert [t.key for t in plan.tensors()] == ["0.output"]


def test_two_readers_may_differ() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([self.a(x), self.b(x)])

    rules = {"input": INT8, "layers": [{"match": "b", "input": {"dtype": "int8", "qscheme": "per_channel"}}]}
    assert keys(Two(), torch.randn(2, 4), **rules) == {"a.input", "b.input", "cat.tensors0"}


def test_relu_fused_or_not() -> None:
    net, x = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4)), torch.randn(64, 4)
    asymmetric = {"dtype": "uint8", "symmetric": False}
    fused, apart = (quantized(net, x, options={"fuse_relu": f}, output=asymmetric).model for f in (True, False))
    zero = {key: {q.key: q for q in quantizers(m)}["0.output"].zero_point for key, m in enumerate((fused, apart))}
    assert zero[0] == 0
    assert zero[1] is not None
    assert zero[1] > 50
