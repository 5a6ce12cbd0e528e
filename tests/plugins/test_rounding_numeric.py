import math
from collections.abc import Callable
from fractions import Fraction

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor

from quark_rounding import ROUNDINGS

SCHEMES = {spec.name: spec.impl.load()(spec.options(name=spec.name)) for spec in ROUNDINGS}
REFERENCES: dict[str, Callable[[Fraction], int]] = {
    "half_even": round,
    "floor": math.floor,
    "round": lambda v: math.floor(abs(v) + Fraction(1, 2)) * (1 if v > 0 else -1),
}


def apply(name: str, x: Tensor) -> Tensor:
    result = SCHEMES[name](x)
    assert result is x
    return result


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", REFERENCES)
@given(value=st.one_of(st.floats(-(2.0**127), 2.0**127, width=32), st.floats(-300, 300, width=32)))
@example(0.49999997)
@example(-0.49999997)
@example(8388609.0)
@example(-8388609.0)
def test_any_value(name: str, dtype: torch.dtype, value: float) -> None:
    assert Fraction(apply(name, torch.tensor([value], dtype=dtype)).item()) == REFERENCES[name](Fraction(value))


def test_every_scheme_without_lots_has_a_reference() -> None:
    # Stochastic rounding has a file of its own.
    assert set(REFERENCES) == {spec.name for spec in ROUNDINGS if not spec.is_stateful}


@pytest.mark.parametrize("name", REFERENCES)
def test_every_tie(name: str) -> None:
    ties = [i + 0.5 for i in range(-300, 300)]
    expected = [REFERENCES[name](Fraction(tie)) for tie in ties]
    assert apply(name, torch.tensor(ties)).tolist() == expected


@pytest.mark.parametrize("name", SCHEMES)
def test_nan_stays_and_empty_is_allowed(name: str) -> None:
    assert apply(name, torch.tensor([math.nan])).isnan().all()
    assert apply(name, torch.empty(0, 3)).shape == (0, 3)
