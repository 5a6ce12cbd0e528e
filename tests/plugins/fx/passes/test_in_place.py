"""Operators in place: the graph computes what the model computes, with quantizers observing and without."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from quark_core.errors import ModelError
from tests.plugins.fx.graphs import IN8, check_edges, graph_of, labels, outlined, quantized, sqnr


class Base(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(6, 6), nn.Linear(6, 6)
        self.relu = nn.ReLU(inplace=True)


class Alias(Base):
    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x)
        kept = x
        x += 1
        y: Tensor = self.b(kept)
        return y * kept


class Modules(Base):
    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x)
        y: Tensor = self.relu(x)
        return self.b(x) + y + x  # type: ignore[no-any-return]  # tensors


class Methods(Base):
    def forward(self, x: Tensor) -> Tensor:
        y = self.a(x)
        y.add_(x).mul_(2.0)
        z = self.b(y)
        F.relu(z, inplace=True)
        torch.relu_(y)
        return z.sub_(y) + y  # type: ignore[no-any-return]  # tensors


class Copies(Base):
    def forward(self, x: Tensor) -> Tensor:
        y = self.a(x)
        z = y.clone()
        z *= y
        return self.b(z) + y  # type: ignore[no-any-return]  # tensors


class Sizes(Base):
    def forward(self, x: Tensor) -> Tensor:
        n = x.size(0)
        m = n
        m += 1
        return self.a(x) * m + self.b(x) * n  # type: ignore[no-any-return]  # tensors


class Views(Base):
    """Writes into a view: torch.fx would lose that, torch.export does not."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.a(x)
        y.view(-1).relu_()
        y[:, 0] = 3.0
        return self.b(y)  # type: ignore[no-any-return]  # tensors


X = torch.randn(4, 6)
NETS = [Alias, Modules, Methods, Copies, Sizes, Views]


@pytest.mark.parametrize("trace", ["auto", "export"])
@pytest.mark.parametrize("made", NETS)
def test_the_graph_computes_the_same(made: type[nn.Module], trace: str) -> None:
    torch.manual_seed(3)
    net = made().eval()
    x = X.clone()
    assert torch.equal(graph_of(net, x, trace=trace)(x), net(X.clone()))
    assert torch.equal(x, X)


@pytest.mark.parametrize("trace", ["auto", "export"])
@pytest.mark.parametrize("made", NETS)
def test_quantizers_do_not_change_what_is_seen(made: type[nn.Module], trace: str) -> None:
    torch.manual_seed(3)
    net = made().eval()
    final = quantized(net, X.clone(), options={"trace": trace}, **IN8).model
    assert isinstance(net.get_submodule("relu"), nn.ReLU)
    assert getattr(net.relu, "inplace", False)
    check_edges(final, inputs=made not in (Sizes, Views))
    assert sqnr(net(X.clone()), final(X.clone())) > 25


def test_nothing_in_place_is_left() -> None:
    assert labels(graph_of(Methods(), X)) == [
        *("Linear", "add", "mul", "Linear", "relu", "relu", "sub", "add"),
    ]


class View(Base):
    def forward(self, x: Tensor) -> Tensor:
        y = self.a(x)
        y.view(-1).relu_()
        return self.b(y)  # type: ignore[no-any-return]  # tensors


def test_views_that_cannot_be_kept_apart_are_refused() -> None:
    with pytest.raises(ModelError, match=r"relu_ changes view in place, and a may be a view of it"):
        outlined(View(), X, trace="symbolic")
    net = View().eval()
    assert torch.equal(graph_of(net, X)(X), net(X))
