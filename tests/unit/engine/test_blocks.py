import re
from collections.abc import Callable
from itertools import product

import pytest
import torch

from quark_core.engine.blocks import block_shape, from_blocks, to_blocks
from quark_core.errors import ModelError
from quark_core.plugin.settings import Settings

Make = Callable[..., Settings]
SHAPES = [(), (6,), (4, 6), (2, 4, 6), (2, 4, 2, 6), (2, 1, 4, 2, 6), (0, 4), (4, 0), (2, 0, 4)]


@pytest.mark.parametrize("shape", SHAPES)
def test_per_tensor_is_one_block(make: Make, shape: tuple[int, ...]) -> None:
    x = torch.randn(shape)
    blocks = to_blocks(x, make("int8"))
    assert blocks.shape == (1, x.numel())
    assert torch.equal(from_blocks(blocks, shape, make("int8")), x)


@pytest.mark.parametrize(("shape", "axis"), [(s, a) for s in SHAPES for a in range(-len(s), len(s))], ids=str)
def test_per_channel_has_a_slice_a_block(make: Make, shape: tuple[int, ...], axis: int) -> None:
    settings = make("int8", qscheme="per_channel", axis=axis)
    x = torch.randn(shape)
    blocks = to_blocks(x, settings)
    assert blocks.shape[0] == shape[axis] == block_shape(shape, settings)[0]
    for index in range(shape[axis]):
        assert blocks[index].tolist() == x.select(axis, index).flatten().tolist()
    assert torch.equal(from_blocks(blocks, shape, settings), x)


@pytest.mark.parametrize(("shape", "axis"), [(s, a) for s in SHAPES for a in range(-len(s), len(s))], ids=str)
def test_per_group_runs_along_the_axis(make: Make, shape: tuple[int, ...], axis: int) -> None:
    group = 2 if shape[axis] % 2 == 0 else 1
    settings = make("int8", qscheme="per_group", axis=axis, group_size=group)
    x = torch.randn(shape)
    blocks = to_blocks(x, settings)
    rest = [range(size) for size in (*shape[: axis % len(shape)], *shape[axis % len(shape) + 1 :])]
    expected = []
    for index in product(*rest):
        line = x
        for dim, at in zip((d for d in range(len(shape)) if d != axis % len(shape)), index, strict=True):
            line = line.narrow(dim, at, 1)
        values = line.flatten().tolist()
        expected += [values[i : i + group] for i in range(0, len(values), group)]
    assert blocks.tolist() == expected
    assert block_shape(shape, settings)[0] == len(expected)
    assert torch.equal(from_blocks(blocks, shape, settings), x)


def test_non_contiguous(make: Make) -> None:
    x = torch.randn(6, 4, 8).permute(2, 0, 1)[::2]
    for settings in (
        make("int8"),
        make("int8", qscheme="per_channel", axis=1),
        make("int8", qscheme="per_group", axis=1, group_size=3),
    ):
        blocks = to_blocks(x, settings)
        assert torch.equal(blocks, to_blocks(x.contiguous(), settings))
        assert torch.equal(from_blocks(blocks, x.shape, settings), x)


@pytest.mark.parametrize(
    ("shape", "rest", "said"),
    [
        (
            (4, 6),
            {"qscheme": "per_channel", "axis": 2},
            "axis 2: a tensor of shape (4, 6) has 2 axes; choose one from -2",
        ),
        ((4, 6), {"qscheme": "per_channel", "axis": -3}, "axis -3"),
        ((), {"qscheme": "per_channel", "axis": 0}, "choose per_tensor"),
        ((4, 6), {"qscheme": "per_channel"}, "give ch_axis"),
        ((4, 6), {"qscheme": "per_group", "axis": 1, "group_size": 4}, "has 6 values, which groups of 4 do not divide"),
        ((4, 6), {"qscheme": "per_group", "axis": 1}, "give group_size"),
    ],
)
def test_errors(make: Make, shape: tuple[int, ...], rest: dict[str, object], said: str) -> None:
    with pytest.raises(ModelError, match=re.escape(said)):
        to_blocks(torch.zeros(shape), make("int8", **rest))
