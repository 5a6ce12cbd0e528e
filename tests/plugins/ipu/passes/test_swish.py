"""SiLU within 0.07 |x|, hard swish within 2^-13 |x|."""

import operator

import torch
from torch import nn
from torch.nn import functional

from quark_ipu.passes import HardSigmoid, Swish
from tests.plugins.ipu.passes.forms import each_form, rewritten

X = torch.linspace(-12, 12, 6001, dtype=torch.float64)
PASSES = (HardSigmoid(), Swish())


def test_silu() -> None:
    for before, after, names, changes in each_form([nn.SiLU(), functional.silu], X, PASSES):
        assert names == ["hard_sigmoid", "swish_multiply"]
        assert len(changes) == 1
        assert bool(((after - before).abs() <= 0.07 * X.abs()).all())


def test_hard_swish() -> None:
    for before, after, names, changes in each_form([nn.Hardswish(), functional.hardswish], X, PASSES):
        assert names == ["hard_sigmoid", "swish_multiply"]
        assert len(changes) == 1
        assert bool(((after - before).abs() <= X.abs() * 2**-13 + 1e-12).all())


def test_a_swish_that_is_written_out() -> None:
    operators = [
        lambda x: x * torch.sigmoid(x),
        lambda x: torch.mul(torch.sigmoid(x), x),
        lambda x: x.mul(functional.hardsigmoid(x)),
    ]
    for before, after, names, changes in each_form(operators, X, PASSES):
        assert names == ["hard_sigmoid", "swish_multiply"]
        assert len(changes) == 2
        assert bool(((after - before).abs() <= 0.07 * X.abs() + 1e-6).all())


def test_a_product_with_the_gate_of_something_else_stays() -> None:
    module, _ = rewritten(lambda x: (x + 1) * torch.sigmoid(x), X, PASSES, "symbolic")
    assert [node.target for node in module.graph.nodes if node.target is operator.mul] == [operator.mul]
