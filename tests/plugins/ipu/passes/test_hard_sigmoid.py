"""Hard sigmoid: within 0.07 of a sigmoid, within 2^-13 of a hard sigmoid."""

import torch
from torch import nn
from torch.nn import functional

from quark_ipu.passes import HardSigmoid
from tests.plugins.ipu.passes.forms import Operator, each_form

X = torch.linspace(-12, 12, 6001, dtype=torch.float64)
PASSES = (HardSigmoid(),)


def test_sigmoid() -> None:
    operators: list[Operator] = [nn.Sigmoid(), torch.sigmoid, functional.sigmoid, lambda x: x.sigmoid()]
    for before, after, names, changes in each_form(operators, X, PASSES):
        assert names == ["hard_sigmoid"]
        assert [change.before for change in changes] == ["sigmoid"]
        assert float((after - before).abs().max()) <= 0.07


def test_hard_sigmoid() -> None:
    for before, after, names, changes in each_form([nn.Hardsigmoid(), functional.hardsigmoid], X, PASSES):
        assert names == ["hard_sigmoid"]
        assert len(changes) == 1
        assert float((after - before).abs().max()) <= 2**-13 + 1e-12
        torch.testing.assert_close(after, (X + 3).clamp(0, 6) * 2731 / 2**14, rtol=0, atol=1e-12)
