"""What the kit measures with is itself measured, against number formats of other projects."""

from __future__ import annotations

from typing import Any, Literal, Self

import ml_dtypes
import numpy as np
import pytest
import torch
from pydantic import Field, model_validator

from quark_core.plugin import BlockFormat, CodebookFormat, FloatFormat, Format, IntFormat, ObserverSpec, Options, Ref
from quark_core.testing.formats import values_of
from quark_core.testing.options import newer_keywords, variants
from quark_core.testing.settings import settings_for
from quark_core.testing.state import values_held
from quark_dtypes import DTYPES

E4M3 = FloatFormat(4, 3, specials="fn")
OTHERS: list[tuple[Format, Any, int]] = [
    (E4M3, ml_dtypes.float8_e4m3fn, 8),
    (FloatFormat(5, 2, specials="ieee"), ml_dtypes.float8_e5m2, 8),
    (FloatFormat(3, 2, specials="none"), ml_dtypes.float6_e3m2fn, 6),
    (FloatFormat(2, 3, specials="none"), ml_dtypes.float6_e2m3fn, 6),
    (FloatFormat(2, 1, specials="none"), ml_dtypes.float4_e2m1fn, 4),
    (FloatFormat(5, 10), np.float16, 16),
    (FloatFormat(8, 7), ml_dtypes.bfloat16, 16),
    (BlockFormat(E4M3), ml_dtypes.float8_e4m3fn, 8),
]


@pytest.mark.parametrize(("fmt", "other", "bits"), OTHERS, ids=[np.dtype(o).name for _, o, _ in OTHERS[:-1]] + ["mx"])
def test_the_values_of_a_float_format_are_those_of_others(fmt: Format, other: Any, bits: int) -> None:
    codes = np.arange(1 << bits, dtype=np.uint16 if bits == 16 else np.uint8)
    with np.errstate(invalid="ignore"):  # casting a signalling NaN
        decoded = codes.view(other).astype(np.float64)
    assert values_of(fmt) == tuple(np.unique(decoded[np.isfinite(decoded)]))


def test_the_values_of_integers_and_codebooks() -> None:
    assert values_of(IntFormat(3)) == (-4, -3, -2, -1, 0, 1, 2, 3)
    assert values_of(IntFormat(2, signed=False)) == (0, 1, 2, 3)
    assert values_of(CodebookFormat((-1.0, 0.0, 3.0))) == (-1.0, 0.0, 3.0)


def test_settings_cover_all_that_a_dtype_allows() -> None:
    number = {spec.name: len(settings_for(spec)) for spec in DTYPES}
    # 5 schemes, 2 scale types and 3 roundings; integers are symmetric or not; a plain cast has roundings only.
    assert (number["int8"], number["fp8_e4m3"], number["mx"], number["bfloat16"]) == (60, 30, 3, 3)


def test_what_an_object_holds_is_counted_once() -> None:
    class Holder:
        def __init__(self) -> None:
            self.tensor = torch.zeros(3, 4)
            self.same = self.tensor
            self.deep = {"list": [torch.zeros(2), torch.zeros(2)], "me": self}
            self.text = "a text counts nothing"

    assert values_held(Holder()) == 12 + 2 + 4


def test_keywords_newer_than_draft_7_are_found() -> None:
    assert list(newer_keywords({"a": [{"prefixItems": [{"dependentSchemas": {}}]}]})) == [
        "prefixItems",
        "dependentSchemas",
    ]


class ManyOptions(Options):
    """Options of several kinds."""

    name: Literal["acme.many"] = "acme.many"
    size: Literal["small", "large"] = "large"
    """One of a few."""
    fast: bool = False
    """One of two."""
    share: float = Field(default=0.5, gt=0, lt=1)
    """One of many."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.fast and self.size == "large":
            raise ValueError("what is large is not fast")
        return self


class NeedyOptions(Options):
    """Options of which one must be given."""

    name: Literal["acme.needy"] = "acme.needy"
    bins: int = Field(ge=1)
    """How many."""
    fast: bool = False
    """One of two."""


def test_an_option_that_must_be_given_stops_no_other_check() -> None:
    assert list(variants(ObserverSpec(NeedyOptions, Ref("json:dumps")))) == [{}]


def test_options_with_few_values_are_tested_with_each() -> None:
    spec = ObserverSpec(ManyOptions, Ref("json:dumps"))
    # `fast: true` beside the default size is refused, so that it is no way to use it.
    assert list(variants(spec)) == [{}, {"size": "small"}]
    assert list(variants(DTYPES[0])) == [{}]
