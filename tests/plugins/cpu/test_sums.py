"""Sums of two quantized tensors in a kernel, and those that stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from tests.plugins.cpu.shared import INT8, ROWS8, UINT8, decibels, lowered, outputs, paths, reasons

X = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(5))
Join = Callable[[Tensor, Tensor], Tensor]


class Joined(nn.Module):
    """Two convolutions, joined before a third."""

    def __init__(self, join: Join) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b, self.c = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 2, 1)
        self.join = join

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.c(self.join(self.a(x), self.b(x)))
        return result


FITTING: dict[str, Join] = {
    "add": lambda a, b: a + b,
    "twice": lambda a, _: a + a,
    "torch.add": lambda a, b: torch.add(a, b, alpha=1),
    "keyword": lambda a, b: torch.add(input=a, other=b),
    "method": lambda a, b: a.add(b),
    "relu": lambda a, b: F.relu(a + b),
    "pooled": lambda a, b: F.max_pool2d(a + b, 2),
    "moved": lambda a, b: a.transpose(2, 3) + b.flip(0),
    "broadcast": lambda a, b: a + b[:, :, :1, :1],
}


@pytest.mark.parametrize("name", list(FITTING))
@pytest.mark.parametrize("given", [INT8, UINT8, {"dtype": "int7"}, INT8 | {"scale_type": "pof2"}])
@pytest.mark.parametrize("trace", ["symbolic", "export"])
def test_in_the_kernel(name: str, given: dict[str, Any], trace: str) -> None:
    mode = {"name": "fx_graph_mode", "trace": trace}
    result = lowered(Joined(FITTING[name]), X, mode=mode, weight=ROWS8, input=given)
    assert (paths(result)["add"], reasons(result)["add"]) == ("kernel", "quantized add")
    exact, found = outputs(result, 2 * X)
    assert found.shape == exact.shape
    assert decibels(exact, found) > 30


OTHER: list[tuple[Join, dict[str, Any], str]] = [
    (lambda a, b: torch.add(a, b, alpha=2), {"input": INT8}, "it does more than to add two tensors"),
    (lambda a, b: torch.sigmoid(a + b), {"input": INT8}, "its sum is read as float"),
    (lambda a, b: (a + b) * (a - b), {"input": INT8 | {"is_dynamic": True}}, "input dynamic per_tensor: the kernel"),
    (lambda a, b: a + b, {"input": {"dtype": "int16"}}, "dtype int16: the kernels take integers of at most 8 bits"),
    (lambda a, b: a + b.double().float(), {"input": INT8}, "the model does not compute in float32 throughout"),
    (
        lambda a, b: a + b,
        {"input": INT8, "layers": [{"match": "add", "skip": ["input"], "output": INT8}]},
        "its input stays float",
    ),
]


@pytest.mark.parametrize(("join", "parts", "why"), OTHER, ids=[why for _, _, why in OTHER])
def test_as_it_is(join: Join, parts: dict[str, Any], why: str) -> None:
    result = lowered(Joined(join), X, mode="fx_graph_mode", weight=ROWS8, **parts)
    assert paths(result)["add"] == "simulated"
    assert reasons(result)["add"].startswith(why)
    assert decibels(*outputs(result, X)) > 30


def test_a_model_of_another_dtype() -> None:
    net = Joined(lambda a, b: a + b).bfloat16()
    result = lowered(net, X.bfloat16(), mode="fx_graph_mode", weight=ROWS8, input=INT8)
    assert set(paths(result).values()) == {"simulated"}
    exact, found = outputs(result, X.bfloat16())
    assert found.dtype == torch.bfloat16
    assert torch.equal(exact, found)


@pytest.mark.parametrize("given", [INT8, UINT8])
def test_saturation_stands_in_for_relu6(given: dict[str, Any]) -> None:
    net = Joined(lambda a, b: F.relu6(a + b))
    result = lowered(net, 9 * X, mode="fx_graph_mode", weight=ROWS8, input=given)
    assert reasons(result)["add"] == "quantized add"
    assert decibels(*outputs(result, 9 * X)) > 30


def test_relu6_stays_where_codes_go_beyond_6() -> None:
    class Far(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.a, self.b, self.c = (nn.Conv2d(3, 4, 1) for _ in range(3))
            self.d = nn.Conv2d(8, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            y = F.relu6(9 * self.a(x) + 9 * self.b(x))
            result: Tensor = self.d(torch.cat([y, 30 * self.c(x)], 1))
            return result

    result = lowered(Far(), X, mode="fx_graph_mode", weight=ROWS8, input=UINT8)
    assert reasons(result)["add"] == "its sum is read as float"
    assert decibels(*outputs(result, X)) > 30
