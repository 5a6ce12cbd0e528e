"""Leaky ReLU: within |x| / 512 of what it was."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from quark_ipu.passes import LeakyRelu
from tests.plugins.ipu.passes.forms import Operator, each_form, rewritten

X = torch.linspace(-20, 20, 4001)
PASSES = (LeakyRelu(),)


@pytest.mark.parametrize("slope", [0.1, 0.1015625, 0.0997, 0.1034])
def test_slopes_near_26_256(slope: float) -> None:
    operators: list[Operator] = [nn.LeakyReLU(slope), lambda x: functional.leaky_relu(x, negative_slope=slope)]
    for before, after, names, changes in each_form(operators, X, PASSES):
        assert names == ["leaky_relu"]
        assert [change.before for change in changes] == [f"leaky_relu slope {slope:g}"]
        assert bool(((after - before).abs() <= X.abs() / 512 + 1e-6).all())
        assert torch.equal(after, torch.where(X > 0, X, X * 26 / 256))


@pytest.mark.parametrize("slope", [0.01, 0.2, 0.0995, 0.1036, 1.0])
def test_other_slopes_stay(slope: float) -> None:
    module, changes = rewritten(nn.LeakyReLU(slope), X, PASSES, "symbolic")
    assert changes == []
    assert torch.equal(module(X), functional.leaky_relu(X, slope))


def test_the_name_of_the_module_is_told() -> None:
    module, changes = rewritten(nn.LeakyReLU(0.1), X, PASSES, "symbolic")
    made = next(node for node in module.graph.nodes if node.op == "call_function")
    assert [change.tensor for change in changes] == ["0"]
    assert list(made.meta["nn_module_stack"].values())[-1] == ("0", nn.LeakyReLU)


def test_a_subclass_with_a_forward_of_its_own_stays() -> None:
    class Own(nn.LeakyReLU):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return functional.leaky_relu(x, 0.5)

    module, changes = rewritten(Own(0.1), X, PASSES, "symbolic")
    assert changes == []
    assert torch.equal(module(X), functional.leaky_relu(X, 0.5))
