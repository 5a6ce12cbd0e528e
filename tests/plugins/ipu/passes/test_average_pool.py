"""Average pools: within 1/42 or 1/256 of what they were, or left alone."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from quark_ipu.passes import AveragePool
from tests.plugins.ipu.passes.forms import Operator, each_form, rewritten

PASSES = (AveragePool(),)


@pytest.mark.parametrize(
    ("options", "bound"),
    [
        ({"kernel_size": 2}, 0.0),
        ({"kernel_size": 3, "stride": 2}, 1 / 64),
        ({"kernel_size": 3, "stride": 1, "padding": 1}, 1 / 64),
        ({"kernel_size": 5}, 6 / 256),
        ({"kernel_size": (3, 6), "stride": (2, 3)}, 4 / 256),
        ({"kernel_size": (2, 5), "padding": (1, 2)}, 1 / 256),
        ({"kernel_size": 3, "divisor_override": 5, "padding": 1, "count_include_pad": False}, 1 / 256),
    ],
)
def test_plane_pools(options: dict[str, Any], bound: float) -> None:
    torch.manual_seed(0)
    x = torch.rand(2, 3, 13, 14)
    operators: list[Operator] = [nn.AvgPool2d(**options), lambda x: functional.avg_pool2d(x, **options)]
    for before, after, names, changes in each_form(operators, x, PASSES):
        assert names == ["average_pool"]
        assert len(changes) == 1
        assert after.shape == before.shape
        assert bool(((after - before).abs() <= bound * before.abs() + 1e-6).all())


@pytest.mark.parametrize(("pool", "rank"), [(nn.AvgPool1d(3, 2, 1), 1), (nn.AvgPool3d(2, 1), 3)])
def test_other_ranks(pool: nn.Module, rank: int) -> None:
    x = torch.rand(2, 3, *[7] * rank)
    for before, after, names, _ in each_form([pool], x, PASSES):
        assert names == ["average_pool"]
        assert bool(((after - before).abs() <= before / 256 + 1e-6).all())


def left() -> list[Operator]:
    return [
        nn.AvgPool2d(3, 2, ceil_mode=True),
        nn.AvgPool2d(3, 1, 1, count_include_pad=False),
        lambda x: functional.avg_pool2d(x, x.shape[-1]),
    ]


@pytest.mark.parametrize("operator", left())
def test_pools_with_more_than_one_divisor_stay(operator: Operator) -> None:
    x = torch.rand(2, 3, 8, 8)
    module, changes = rewritten(operator, x, PASSES, "symbolic")
    assert changes == []
    assert torch.equal(module(x), operator(x))
