import math
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import pytest
import torch
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from torch import Tensor

import quark_core.functional as qf
from quark_core.engine.kernels.codebook import CodebookKernel
from quark_core.engine.kernels.scratch import Scratch
from quark_core.errors import DataError
from quark_core.plugin.formats import CodebookFormat
from quark_core.plugin.settings import Settings
from quark_dtypes import DTYPES

Make = Callable[..., Settings]
VALUES = (-1.0, -0.5, -0.25, 0.0, 0.125, 0.5, 2.0)
UNEVEN = tuple(math.sin(i / 300) for i in range(256))
CLOSE = (-0.5, 1.0, 1.0 + 2.0**-22, 1.0 + 2.0**-20)
"""Too close for tables."""
(NF4,) = (spec.format for spec in DTYPES if isinstance(spec.format, CodebookFormat))
ONE = qf.QParams(torch.ones(1), torch.zeros(1))


def nearest(v: float, values: tuple[float, ...], rounding: str) -> int:
    exact = min(max(Fraction(v), Fraction(values[0])), Fraction(values[-1]))
    below = max(i for i, value in enumerate(values) if Fraction(value) <= exact)
    if below == len(values) - 1 or rounding == "floor":
        return below
    start, end = Fraction(values[below]), Fraction(values[below + 1])
    share = (exact - start) / (end - start)
    if share == Fraction(1, 2):
        return below + below % 2 if rounding == "half_even" else below + 1
    return below + (share > Fraction(1, 2))


@pytest.mark.parametrize("rounding", ["half_even", "round", "floor"])
@given(xs=st.lists(st.floats(-2.5, 2.5, width=32), min_size=1))
def test_the_nearest_value(make: Make, rounding: str, xs: list[float]) -> None:
    for values in (VALUES, UNEVEN):
        settings = make(CodebookFormat(values), rounding)
        expected = [nearest(x, values, rounding) for x in xs]
        assert qf.quantize(torch.tensor(xs), settings, ONE).tolist() == expected
        snapped = qf.quantize_dequantize(torch.tensor(xs), settings, ONE)
        assert snapped.tolist() == torch.tensor([values[i] for i in expected]).tolist()


@pytest.mark.parametrize("rounding", ["half_even", "round", "floor"])
def test_ties(make: Make, rounding: str) -> None:
    ties = [(a + b) / 2 for a, b in pairwise(VALUES)]
    codes = qf.quantize(torch.tensor(ties), make(CodebookFormat(VALUES), rounding), ONE)
    assert codes.tolist() == [nearest(tie, VALUES, rounding) for tie in ties]


def test_scaled_with_specials(make: Make) -> None:
    settings = make(CodebookFormat(VALUES))
    x = torch.tensor([[math.nan, math.inf, -math.inf, 1.0]])
    y = qf.quantize_dequantize(x, settings, qf.QParams(torch.tensor([4.0]), torch.zeros(1)))
    assert y[0, 0].isnan()
    assert y[0, 1:].tolist() == [8.0, -4.0, 0.5]
    with pytest.raises(DataError, match="codebooks have"):
        qf.quantize(x, settings, ONE)


def kernels(fmt: CodebookFormat, make: Make, rounding: str) -> list[CodebookKernel]:
    settings = make(fmt, rounding)
    return [
        CodebookKernel(fmt, settings.rounding.impl.load()(settings.rounding_options), is_stateful=is_stateful)
        for is_stateful in (True, False)
    ]


def patterns(values: tuple[float, ...]) -> Tensor:
    """Every bfloat16 and float16 pattern, and what is around each value and each tie."""
    every = torch.arange(-(1 << 15), 1 << 15).short()
    exact = torch.tensor(values, dtype=torch.float64)
    near = [torch.cat([exact, (exact[1:] + exact[:-1]) / 2]).float()]
    for side in (-math.inf, math.inf):
        for _ in range(3):
            near.append(near[-1 if _ else 0].nextafter(torch.tensor(side)))
    return torch.cat([every.view(torch.float16).float(), every.view(torch.bfloat16).float(), *near])


@pytest.mark.parametrize("rounding", ["half_even", "round", "floor"])
@examples(max_examples=20, deadline=None)
@example(values=(-0.0, 1.0))
@given(
    values=st.sets(st.floats(-(2.0**100), 2.0**100, width=32), min_size=2, max_size=16).map(sorted).map(tuple)
    | st.sampled_from([NF4.values, VALUES, UNEVEN, CLOSE])
)
def test_tables_change_nothing(make: Make, rounding: str, values: tuple[float, ...]) -> None:
    x = patterns(values)
    snapped, indexes = [], []
    for kernel in kernels(CodebookFormat(values), make, rounding):
        snapped.append(x.clone())
        kernel.snap(snapped[-1], 0.0, Scratch())
        indexes.append(kernel.encode(x[~x.isnan()], torch.zeros(1)))
    assert torch.equal(*indexes)
    assert torch.equal(*(values.nan_to_num(nan=math.inf).view(torch.int32) for values in snapped))
    assert torch.equal(snapped[1].isnan(), x.isnan())


def test_strided_memory(make: Make) -> None:
    x = torch.linspace(-2, 2, 60).view(5, 12)
    for kernel in kernels(CodebookFormat(VALUES), make, "half_even"):
        whole, part = x.clone(), x.clone()[:, :7]
        kernel.snap(whole, 0.0, Scratch())
        kernel.snap(part, 0.0, Scratch())
        assert torch.equal(part, whole[:, :7])


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.int64])
def test_codes_of_any_dtype_stay_as_they_are(make: Make, dtype: torch.dtype) -> None:
    codes = torch.tensor([[0, 6, 7], [1, 2, 3]], dtype=dtype)
    given = codes.clone()
    assert qf.dequantize(given.t(), make(CodebookFormat(VALUES)), ONE).t().tolist() == [[-1, 2, 2], [-0.5, -0.25, 0]]
    assert torch.equal(given, codes)
