"""Means over the spatial axes: within 1/42 or 1/256 of what they were."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from quark_ipu.passes import GlobalAverage
from tests.plugins.ipu.passes.forms import Operator, each_form, rewritten

PASSES = (GlobalAverage(),)


@pytest.mark.parametrize(
    ("height", "width", "bound"), [(4, 8, 0.0), (7, 7, 5 / 1024), (5, 5, 6 / 256), (3, 6, 4 / 256), (9, 11, 1 / 256)]
)
def test_spatial_means(height: int, width: int, bound: float) -> None:
    torch.manual_seed(0)
    x = torch.rand(2, 3, height, width)
    operators: list[Operator] = [
        lambda x: x.mean((2, 3)),
        lambda x: torch.mean(x, [-1, -2], keepdim=True),
        lambda x: x.mean(dim=(3, 2)),
        nn.AdaptiveAvgPool2d(1),
        nn.AdaptiveAvgPool2d((1, 1)),
        lambda x: functional.adaptive_avg_pool2d(x, 1),
    ]
    for before, after, names, changes in each_form(operators, x, PASSES):
        assert names == ["global_average"]
        assert len(changes) == 1
        assert after.shape == before.shape
        assert bool(((after - before).abs() <= bound * before.abs() + 1e-6).all())


def test_the_size_may_differ_from_the_example() -> None:
    module, _ = rewritten(nn.AdaptiveAvgPool2d(1), torch.rand(1, 2, 4, 4), PASSES, "symbolic")
    x = torch.rand(1, 2, 8, 2)
    torch.testing.assert_close(module(x), x.mean((2, 3), keepdim=True))


@pytest.mark.parametrize(("pool", "axes"), [(nn.AdaptiveAvgPool1d(1), (2,)), (nn.AdaptiveAvgPool3d(1), (2, 3, 4))])
def test_other_ranks(pool: nn.Module, axes: tuple[int, ...]) -> None:
    x = torch.rand(1, 2, *[4] * len(axes))
    module, _ = rewritten(pool, x, PASSES, "symbolic")
    torch.testing.assert_close(module(x), x.mean(axes, keepdim=True))


def test_other_means_stay() -> None:
    x = torch.rand(1, 2, 4, 4)

    def twice(x: Tensor) -> Tensor:
        return x.mean(1, keepdim=True) + functional.adaptive_avg_pool2d(x, 2).mean()

    module, changes = rewritten(twice, x, PASSES, "symbolic")
    assert changes == []
    assert torch.equal(module(x), twice(x))
