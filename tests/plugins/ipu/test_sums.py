"""Sums and products with numbers of a model's code, and what makes them floating point."""

import pytest
import torch

from tests.plugins.ipu.constraints import broken
from tests.plugins.ipu.nets import floats, graph, proved, xint8
from tests.plugins.ipu.test_moves import Move, Moved

X = torch.randn(2, 4, 6, 6, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("how", ["symbolic", "export"])
@pytest.mark.parametrize(
    "move",
    [
        lambda x: x * 0.5 + 1,
        lambda x: 1 - x,
        lambda x: torch.sub(x, 0.375),
        lambda x: -3 * x,
        lambda x: x.add(100),
        lambda x: (x - x.flip(1)) * x,
        lambda x: torch.add(x, x, alpha=1),
        lambda x: x @ x.mT,
        lambda x: torch.bmm(x.flatten(2), x.flatten(2).mT),
        lambda x: 0 * x,
    ],
)
def test_exact_ones(move: Move, how: str) -> None:
    torch.manual_seed(0)
    result = xint8(Moved(move), X, mode={"name": "fx_graph_mode", "trace": how})
    assert floats(result) == {}
    assert broken(graph(result)) == []
    assert proved(result, X).holds


@pytest.mark.parametrize(
    ("move", "why"),
    [
        (lambda x: x * 0.1, {"mul": "0.1 is no 8-bit fixed-point number"}),
        (lambda x: torch.add(x, x, alpha=2), {"add": "it adds a multiple (alpha)"}),
        (lambda x: x + 2.0**-20, {"add": "its number is too far from the position of its input"}),
    ],
)
def test_what_runs_in_floating_point(move: Move, why: dict[str, str]) -> None:
    torch.manual_seed(0)
    result = xint8(Moved(move), X)
    assert floats(result) == why
    assert proved(result, X).holds
