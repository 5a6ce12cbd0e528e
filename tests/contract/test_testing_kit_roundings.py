"""For each check of RoundingTests there is a rounding that it refuses."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from quark_core.plugin import RoundingSpec
from quark_core.testing import RoundingTests
from quark_rounding import HalfEvenOptions
from tests.contract.faults import checks, every_check_has_a_fault, fails, passes, ref


class Rounding:
    """Rounds by a function that a test sets."""

    function: ClassVar[Callable[[Tensor], Tensor]]

    def __init__(self, options: Any) -> None:
        del options

    def __call__(self, x: Tensor) -> Tensor:
        return type(self).function(x)


class Kit(RoundingTests):
    __test__ = False
    spec = RoundingSpec(HalfEvenOptions, ref(Rounding))


def contiguous_only(x: Tensor) -> Tensor:
    return x.contiguous().round_()


_calls = count()


def in_turn(x: Tensor) -> Tensor:
    return x.floor_() if next(_calls) % 2 else x.ceil_()


def half_away(x: Tensor) -> Tensor:
    return x.add_(x.sign() / 2).trunc_()


FAULTS: dict[str, Callable[[Tensor], Tensor]] = {
    "test_integers_stay": lambda x: x.add_(1).floor_(),
    "test_results_are_integers": lambda x: x,
    "test_results_lie_within_one": lambda x: x.round_().mul_(2),
    "test_it_is_monotone": lambda x: x.round_().neg_(),
    "test_it_works_in_place": lambda x: x.round(),
    "test_it_keeps_dtype_and_shape": lambda x: x.round_().reshape(-1),
    "test_nan_stays_nan": lambda x: x.nan_to_num_().round_(),
    "test_views_are_rounded_where_they_are": contiguous_only,
    "test_it_has_no_memory": in_turn,
    "test_half_even_as_promised": half_away,
}


def test_every_check_has_a_fault() -> None:
    every_check_has_a_fault(RoundingTests, FAULTS)


class Promising(Kit):
    __test__ = False
    spec = RoundingSpec(HalfEvenOptions, ref(Rounding), is_half_even=True)


def kit(check: str) -> type[RoundingTests]:
    return Promising if check == "test_half_even_as_promised" else Kit


@pytest.mark.parametrize("check", sorted(FAULTS))
def test_a_fault_is_caught(check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rounding, "function", staticmethod(FAULTS[check]), raising=False)
    fails(kit(check), check)


@pytest.mark.parametrize("check", sorted(checks(RoundingTests)))
def test_a_sound_one_passes(check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rounding, "function", staticmethod(lambda x: x.ceil_()), raising=False)
    passes(Kit, check)


def test_a_promise_that_is_kept_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rounding, "function", staticmethod(lambda x: x.round_()), raising=False)
    passes(Promising, "test_half_even_as_promised")


def test_other_roundings_promise_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rounding, "function", staticmethod(half_away), raising=False)
    passes(Kit, "test_half_even_as_promised")


class Lots:
    """Rounds up or down by a random number of its own generator."""

    def __init__(self, options: Any) -> None:
        del options
        self.generator = torch.Generator().manual_seed(0)

    def __call__(self, x: Tensor) -> Tensor:
        return x.add_(torch.rand(x.shape, generator=self.generator, dtype=x.dtype)).floor_()


@pytest.mark.parametrize("check", sorted(checks(RoundingTests) - {"test_results_lie_within_one"}))
def test_one_that_draws_lots_says_that_it_is_stateful(check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class ByLot(Kit):
        __test__ = False
        spec = RoundingSpec(HalfEvenOptions, ref(Lots), is_stateful=True)

    passes(ByLot, check)
    monkeypatch.setattr(ByLot, "spec", RoundingSpec(HalfEvenOptions, ref(Lots)))
    if check in ("test_it_is_monotone", "test_it_has_no_memory"):
        fails(ByLot, check)
