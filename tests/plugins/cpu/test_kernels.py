"""The kernels give what integers give, computed by numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from quark_core.engine.authoring import Convolution
from quark_cpu.grids import Grid
from quark_cpu.kernels import AddKernel, ConvKernel, LinearKernel, missing, saturating

LIMIT = 127 if saturating() else 255
"""Largest code that the kernels of this machine take."""


def test_this_machine_has_kernels() -> None:
    assert missing() is None


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    rows=st.integers(1, 9),
    inner=st.integers(1, 70),
    outer=st.integers(1, 17),
    zero=st.integers(0, LIMIT),
    seed=st.integers(0, 999),
    biased=st.booleans(),
)
def test_a_linear_layer(*, rows: int, inner: int, outer: int, zero: int, seed: int, biased: bool) -> None:
    random = np.random.default_rng(seed)
    codes = random.integers(0, LIMIT + 1, (rows, inner))
    weight = random.integers(-128, 128, (outer, inner))
    scale = random.uniform(0.01, 1, outer).astype(np.float32)
    bias = random.normal(0, 100, outer).astype(np.float32) if biased else None
    exact = ((codes - zero) @ weight.T).astype(np.float64) * 0.5 * scale + (0 if bias is None else bias)
    kernel = LinearKernel(
        torch.from_numpy(weight.astype(np.int8)), torch.from_numpy(scale), None if bias is None else torch.tensor(bias)
    )
    # Levels times 0.5, a power of two, so that the kernel finds the codes exactly.
    found = kernel(torch.from_numpy((codes - zero) * 0.5).float(), 0.5, zero).numpy()
    np.testing.assert_allclose(found, exact, rtol=2e-6, atol=2e-3)


def convolve(x: Any, weight: Any, how: Convolution, zero: int) -> Any:
    """Return the sums of a convolution of levels, position by position."""
    (top, left), (down, right) = how.padding, how.stride
    padded = np.pad(x - zero, ((0, 0), (0, 0), (top, top), (left, left)))
    channels, (high, wide) = weight.shape[1], how.dilation
    height = (padded.shape[2] - high * (weight.shape[2] - 1) - 1) // down + 1
    width = (padded.shape[3] - wide * (weight.shape[3] - 1) - 1) // right + 1
    out = np.zeros((len(x), len(weight), height, width), dtype=np.int64)
    for o in range(len(weight)):
        first = o // (len(weight) // how.groups) * channels
        for i in range(weight.shape[2]):
            for j in range(weight.shape[3]):
                rows = slice(i * high, i * high + down * height, down)
                columns = slice(j * wide, j * wide + right * width, right)
                part = padded[:, first : first + channels, rows, columns][:, :, :height, :width]
                out[:, o] += np.tensordot(part, weight[o, :, i, j], ((1,), (0,)))
    return out


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    groups=st.sampled_from([1, 2, 4]),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    zero=st.integers(0, LIMIT),
    seed=st.integers(0, 999),
)
def test_a_convolution(
    *, groups: int, kernel: Any, stride: Any, padding: Any, dilation: Any, zero: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    x = random.integers(0, LIMIT + 1, (2, 4, 7, 6))
    weight = random.integers(-128, 128, (8, 4 // groups, *kernel))
    how = Convolution(stride, padding, dilation, groups)
    scale = random.uniform(0.001, 0.01, 8).astype(np.float32)
    bias = random.normal(0, 1, 8).astype(np.float32)
    sums = convolve(x, weight, how, zero)
    exact = sums * 0.5 * scale[:, None, None].astype(np.float64) + bias[:, None, None]
    made = ConvKernel(
        torch.from_numpy(weight.astype(np.int8)),
        torch.from_numpy(scale),
        torch.from_numpy(bias),
        how,
        Grid(0.5, zero),
    )
    codes = torch.from_numpy(x.astype(np.uint8))
    np.testing.assert_allclose(made(codes).numpy(), exact, rtol=3e-6, atol=1e-3)
    largest = float(np.abs(exact).max()) + 1e-3
    for out in (Grid(2 * largest / 255, 128), Grid(2 * largest / 127, 64, 127)):
        for relu in (False, True):
            found = made(codes, out=out, relu=relu).numpy().astype(int)
            wanted = np.maximum(exact, 0) if relu else exact
            levels = wanted / np.float32(out.scale) + out.zero_point
            assert found.min() >= 0
            assert found.max() <= out.largest
            # At a tie the kernel may fall to either side.
            assert np.abs(found - np.clip(levels, 0, out.largest)).max() < 0.501


@pytest.mark.parametrize("how", [Convolution((2,), (1,), (2,), 1, ((3, 0),)), Convolution((1,), (0,), (1,), 2)])
@pytest.mark.parametrize("batch", [True, False])
def test_a_convolution_over_one_axis(how: Convolution, batch: bool) -> None:
    random = np.random.default_rng(0)
    x = torch.from_numpy(random.integers(0, LIMIT + 1, (2, 4, 11) if batch else (4, 11)).astype(np.uint8))
    weight = torch.from_numpy(random.integers(-128, 128, (6, 4 // how.groups, 3)).astype(np.int8))
    levels = x.float() - 77
    for pad in how.pads:
        levels = torch.nn.functional.pad(levels, pad)
    walk = (how.stride, how.padding, how.dilation, how.groups)
    exact = torch.nn.functional.conv1d(levels, weight.float(), None, *walk)
    assert torch.equal(ConvKernel(weight, torch.ones(6), None, how, Grid(1.0, 77))(x), exact)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    zeros=st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 127)),
    scales=st.tuples(st.floats(0.01, 1), st.floats(0.01, 1), st.floats(0.01, 2)),
    largest=st.sampled_from([127, 255]),
    shape=st.sampled_from([(2, 3, 5, 7), (1, 1, 1, 7), (3, 1, 1), (0, 3, 5, 7), ()]),
    relu=st.booleans(),
    layout=st.sampled_from([torch.contiguous_format, torch.channels_last]),
)
def test_a_sum(*, zeros: Any, scales: Any, largest: int, shape: Any, relu: bool, layout: Any) -> None:
    random = np.random.default_rng(0)
    first = random.integers(0, 256, (2, 3, 5, 7) if 0 not in shape else shape).astype(np.uint8)
    second = random.integers(0, 256, shape).astype(np.uint8)
    one, two, out = (Grid(float(s), z, n) for s, z, n in zip(scales, zeros, (255, 255, largest), strict=True))
    kernel = AddKernel(one, two, out, relu=relu)
    found = kernel(torch.from_numpy(first).to(memory_format=layout), torch.from_numpy(second))
    exact = (first - float(one.zero_point)) * one.scale + (second - float(two.zero_point)) * two.scale
    exact = np.maximum(exact, 0) if relu else exact
    wanted = np.clip(exact / out.scale + out.zero_point, 0, largest)
    assert found.dtype == torch.uint8
    assert found.shape == wanted.shape
    # At a tie the kernel may fall to either side.
    assert np.abs(found.numpy() - wanted).max(initial=0) < 0.501


@pytest.mark.parametrize("power", [-3, 0, 2])
def test_sums_on_powers_of_two_are_exact(power: int) -> None:
    """There float32 holds every sum, so that ties go to even."""
    codes = torch.arange(256, dtype=torch.uint8)
    first, second = codes.repeat_interleave(256).view(256, 16, 16), codes.repeat(256).view(256, 16, 16)
    one, two, out = Grid(0.5, 100), Grid(0.25, 30), Grid(2.0**power, 128)
    levels = np.rint(((first.numpy() - 100.0) * 0.5 + (second.numpy() - 30.0) * 0.25) / 2.0**power)
    found = AddKernel(one, two, out, relu=False)(first, second)
    assert (found.numpy() == np.clip(levels + 128, 0, 255)).all()


@pytest.mark.parametrize("pads", [((1, 2, 0, 3),), ((1, 0), (0, 0, 2, 1)), ((-1, 1, 0, 0),)])
def test_zeros_of_a_forward_of_its_own(pads: Any) -> None:
    random = np.random.default_rng(0)
    x = random.integers(0, LIMIT + 1, (1, 2, 6, 6))
    weight = random.integers(-128, 128, (3, 2, 3, 3))
    how = Convolution((1, 1), (0, 0), (1, 1), 1, pads)
    kernel = ConvKernel(torch.from_numpy(weight.astype(np.int8)), torch.ones(3), None, how, Grid(1.0, 77))
    levels = torch.from_numpy(x - 77).float()
    for pad in pads:
        levels = torch.nn.functional.pad(levels, pad)
    exact = torch.nn.functional.conv2d(levels, torch.from_numpy(weight).float())
    assert torch.equal(kernel(torch.from_numpy(x.astype(np.uint8))), exact)


@pytest.mark.parametrize("largest", [127, 255])
def test_codes_are_those_of_a_true_division_with_ties_to_even(largest: int) -> None:
    grid = Grid(0.3, 40, largest)
    x = torch.tensor([-1e9, -12.1, -12.0, -0.15, 0.15, 0.45, 0.0, 3.0, 1e9])
    levels = np.rint((x.numpy() / np.float32(0.3)).astype(np.float32))
    assert grid.codes(x).tolist() == np.clip(levels + 40, 0, largest).astype(int).tolist()
    assert torch.equal(grid.values(torch.arange(256, dtype=torch.uint8)), (torch.arange(256) - 40).float() * 0.3)


def test_what_saturation_stands_in_for() -> None:
    assert Grid(6 / 255, 0).reaches(6.0)
    assert Grid(5 / 255, 0).reaches(6.0)
    assert not Grid(7 / 255, 0).reaches(6.0)
    # Half a step below the largest code is a tie, which goes to the even code below.
    assert not Grid(12.0, 254).reaches(6.0)
    assert Grid(12.0, 254, 254).reaches(6.0)
