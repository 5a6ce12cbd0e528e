"""Clamps from 0 to 6 are ReLU6."""

import torch
from torch import nn
from torch.nn import functional

from quark_ipu.passes import Relu6
from tests.plugins.ipu.passes.forms import Operator, each_form, rewritten

X = torch.linspace(-12, 12, 601)
PASSES = (Relu6(),)


def test_it_is_exact() -> None:
    for before, after, names, _ in each_form(
        [nn.Hardtanh(0, 6), lambda x: functional.hardtanh(x, 0.0, 6.0), lambda x: x.clamp(0, 6)], X, PASSES
    ):
        assert names == ["relu6"]
        assert torch.equal(after, before)


def test_relu6_itself_is_left_alone_and_aten_is_named() -> None:
    assert rewritten(nn.ReLU6(), X, PASSES, "symbolic")[1] == []
    assert [change.after for change in rewritten(nn.ReLU6(), X, PASSES, "export")[1]] == ["relu6"]


def test_other_bounds_stay() -> None:
    operators: list[Operator] = [nn.Hardtanh(-1, 1), lambda x: x.clamp(min=0), lambda x: x.clamp(0, 5)]
    for operator in operators:
        module, changes = rewritten(operator, X, PASSES, "symbolic")
        assert changes == []
        assert torch.equal(module(X), operator(X))
