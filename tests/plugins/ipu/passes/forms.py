"""One operator in each of the forms that graphs have it in: a module, a function, a method, an aten operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, fx, nn

from quark_core.plugin import Adjustment, GraphPass
from quark_fx import FxOptions
from quark_fx.graph import Graph
from tests.plugins.fx.graphs import labels

Operator = Callable[[Tensor], Tensor]


class Calls(nn.Module):
    """Calls a function."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def rewritten(
    operator: Operator, x: Tensor, passes: tuple[GraphPass, ...], how: str
) -> tuple[fx.GraphModule, list[Adjustment]]:
    """Return the graph after ``passes``, and what they changed."""
    model = nn.Sequential(operator) if isinstance(operator, nn.Module) else Calls(operator)
    found = Graph.of(model.eval(), (x,), FxOptions.model_validate({"trace": how}), passes)
    return found.module, found.changes


def each_form(
    operators: list[Operator], x: Tensor, passes: tuple[GraphPass, ...]
) -> Iterator[tuple[Tensor, Tensor, list[str], list[Adjustment]]]:
    """Yield what an operator gives and what is left of it, how the nodes are called, and what was changed."""
    for operator in operators:
        for how in ("symbolic", "export"):
            module, changes = rewritten(operator, x, passes, how)
            with torch.no_grad():
                yield operator(x), module(x), labels(module), changes
