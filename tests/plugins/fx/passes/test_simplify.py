"""Dropout and identity leave the graph; a dropout that works in evaluation stays, and leaves no grid behind."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from tests.plugins.fx.graphs import graph_of, labels, outlined


class Drops(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Dropout(), nn.Dropout2d(), nn.AlphaDropout(), nn.Identity()])

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        x = F.dropout(x, 0.5, self.training)
        x = F.alpha_dropout(F.dropout2d(x, training=False))
        return torch.dropout(x, 0.5, self.training) * 2


@pytest.mark.parametrize("trace", ["symbolic", "export"])
def test_they_go(trace: str) -> None:
    x = torch.randn(2, 3, 4, 4)
    module = graph_of(Drops(), x, trace=trace)
    assert labels(module) == ["mul"]
    assert torch.equal(module(x), Drops().eval()(x))


class Always(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x * 2) + 1


def test_one_at_work_stays() -> None:
    x = torch.randn(2, 3)
    assert labels(graph_of(Always(), x)) == ["mul", "dropout", "add"]
    grids = {layer.name: layer.tensors[0].grid for layer in outlined(Always(), x).layers if layer.tensors}
    assert grids["add"] == "dropout"
