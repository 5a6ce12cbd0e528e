import math

import ml_dtypes
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quark_core.engine.e8m0 import decode_e8m0, encode_e8m0, shared_scale
from quark_core.errors import UsageError


def test_codes_are_those_of_ml_dtypes() -> None:
    codes = np.arange(256, dtype=np.uint8)
    expected = codes.view(ml_dtypes.float8_e8m0fnu).astype(np.float64)
    decoded = decode_e8m0(torch.from_numpy(codes))
    assert np.array_equal(decoded.double().numpy(), expected, equal_nan=True)
    assert torch.equal(encode_e8m0(decoded), torch.from_numpy(codes))


@pytest.mark.parametrize("bad", [0.0, -1.0, 3.0, math.inf, 2.0**-128])
def test_only_powers_of_two_have_codes(bad: float) -> None:
    with pytest.raises(UsageError, match="powers of two"):
        encode_e8m0(torch.tensor([1.0, bad]))


@given(st.floats(2.0**-149, float(np.finfo(np.float32).max), width=32), st.integers(-3, 15))
def test_the_exponent_is_that_of_frexp(amax: float, emax: int) -> None:
    exponent = min(max(math.frexp(amax)[1] - 1 - emax, -127), 127)
    assert shared_scale(torch.tensor([amax]), emax).item() == math.ldexp(1.0, exponent)


@pytest.mark.parametrize("exponent", range(-126, 128))
def test_powers_of_two_and_their_neighbours(exponent: int) -> None:
    power = np.float32(math.ldexp(1.0, exponent))
    amax = torch.tensor([np.nextafter(power, np.float32(0)), power, np.nextafter(power, np.float32(np.inf))])
    down, at = (math.ldexp(1.0, max(e - 8, -127)) for e in (exponent - 1, exponent))
    assert shared_scale(amax, 8).tolist() == [down, at, at]


def test_zero_infinity_and_nan() -> None:
    scale = shared_scale(torch.tensor([0.0, math.inf, math.nan]), 8)
    assert scale[:2].tolist() == [2.0**-127, 2.0**119]
    assert scale[2].isnan()
