"""Names of operators: stable, unique, the same with and without example inputs, and reached by patterns."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from quark_core.errors import PlanError
from quark_core.plan import make_plan
from tests.plugins.fx.graphs import operators, outlined, planned
from tests.unit.engine.sample_nets import INT8, ROWS8, config


class Block(nn.Module):
    def __init__(self, width: int = 6) -> None:
        super().__init__()
        self.fc = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.fc(x) + x
        result: Tensor = self.fc(y) + functional.gelu(y)
        return result


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block1, self.block2 = Block(), Block()
        self.call1 = nn.Linear(6, 4)
        self.quantizers = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.block2(self.block1(x))
        x = self.quantizers(self.call1(x))
        return torch.matmul(x, x.transpose(-1, -2)) * (x.shape[0] + 1)


NAMES = [
    *("block1.fc", "block1.add", "block1.fc.call2", "block1.gelu", "block1.add_2"),
    *("block2.fc", "block2.add", "block2.fc.call2", "block2.gelu", "block2.add_2"),
    *("call1", "quantizers", "matmul", "mul"),
]
X = torch.randn(3, 5, 6)


@pytest.mark.parametrize("trace", ["symbolic", "export"])
def test_names_of_both_traces(trace: str) -> None:
    assert operators(outlined(Net(), X, trace=trace)) == NAMES


def test_names_need_no_inputs() -> None:
    assert operators(outlined(Net())) == NAMES


def test_every_name_and_key_stands_once() -> None:
    outline = outlined(Net(), X)
    names = [layer.name for layer in outline.layers]
    assert len(names) == len(set(names))
    keys = [t.key for t in planned(Net(), X, weight=ROWS8, input=INT8, output=INT8).tensors()]
    assert len(keys) == len(set(keys))


def test_containers_and_their_classes_are_there() -> None:
    types = {layer.name: layer.type for layer in outlined(Net()).layers}
    assert (types[""], types["block1"], types["block1.fc"], types["block1.add"]) == ("Net", "Block", "Linear", "add")


@pytest.mark.parametrize("trace", ["symbolic", "export"])
@pytest.mark.parametrize(
    ("pattern", "hit"),
    [
        ("type:add", ["block1.add", "block1.add_2", "block2.add", "block2.add_2"]),
        ("type:matmul", ["matmul"]),
        ("type:Block", NAMES[:10]),
        ("block2", NAMES[5:10]),
        ("call1", ["call1"]),
        ("type:Linear", ["block1.fc", "block1.fc.call2", "block2.fc", "block2.fc.call2", "call1", "quantizers"]),
    ],
)
def test_patterns(trace: str, pattern: str, hit: list[str]) -> None:
    outline = outlined(Net(), X, trace=trace)
    plan = make_plan(config(layers=[{"match": pattern, "input": INT8}]), outline)
    assert [layer.name for layer in plan.layers if layer.tensors] == hit


def test_a_pattern_that_matches_nothing() -> None:
    with pytest.raises(PlanError) as caught:
        planned(Net(), X, layers=[{"match": "block3", "input": INT8}])
    assert [p.code for p in caught.value.problems] == ["unmatched_pattern"]


@pytest.mark.parametrize("trace", ["symbolic", "export"])
def test_only_the_first_call_has_the_weight(trace: str) -> None:
    plan = make_plan(config(weight=ROWS8, input=INT8), outlined(Net(), X, trace=trace))
    tensors = {layer.name: [t.name for t in layer.tensors] for layer in plan.layers}
    assert tensors["block1.fc"] == ["weight", "input"]
    assert tensors["block1.fc.call2"] == ["input"]
    assert tensors["call1"] == ["weight", "input"]


def test_on_request_only() -> None:
    plan = planned(Net(), X, input=INT8)
    assert [layer.name for layer in plan.layers if layer.name.endswith("gelu")] == []
    asked = planned(Net(), X, layers=[{"match": "type:gelu", "input": INT8}])
    assert [t.key for t in asked.tensors()] == ["block1.gelu.input", "block2.gelu.input"]
