"""For each check of ObserverTests there is an observer that it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

import pytest
import torch
from torch import Tensor

import quark_observers
from quark_core.plugin import FloatFormat, IntFormat, Observer, Settings
from quark_core.testing import ObserverTests
from tests.contract.faults import checks, every_check_has_a_fault, fails, passes


class Sound:
    """Minimum and maximum."""

    def __init__(self) -> None:
        self.state: dict[str, Tensor] = {}

    def observe(self, blocks: Tensor) -> None:
        self.widen(blocks.amin(1), blocks.amax(1))

    def merge(self, other: Self) -> None:
        self.widen(*other.range())

    def range(self) -> tuple[Tensor, Tensor]:
        return self.state["lo"], self.state["hi"]

    def widen(self, lo: Tensor, hi: Tensor) -> None:
        self.state["lo"] = torch.minimum(self.state.get("lo", lo), lo)
        self.state["hi"] = torch.maximum(self.state.get("hi", hi), hi)


class Shrinks(Sound):
    def range(self) -> tuple[Tensor, Tensor]:
        lo, hi = super().range()
        return lo * 0.9, hi * 0.9


class Swaps(Sound):
    def range(self) -> tuple[Tensor, Tensor]:
        return super().range()[::-1]


class Doubles(Sound):
    def range(self) -> tuple[Tensor, Tensor]:
        lo, hi = super().range()
        return lo.double(), hi.double()


class OneForAll(Sound):
    def observe(self, blocks: Tensor) -> None:
        lo, hi = blocks.aminmax()
        self.widen(lo.expand(len(blocks)), hi.expand(len(blocks)))


class Scribbles(Sound):
    def observe(self, blocks: Tensor) -> None:
        super().observe(blocks.abs_())


class Keeps(Sound):
    def observe(self, blocks: Tensor) -> None:
        self.state[str(len(self.state))] = blocks

    def range(self) -> tuple[Tensor, Tensor]:
        all_batches = torch.cat(list(self.state.values()), 1)
        return all_batches.amin(1), all_batches.amax(1)

    def merge(self, other: Self) -> None:
        self.state |= {f"{len(self.state)}.{key}": value for key, value in other.state.items()}


class Stacks(Keeps):
    def range(self) -> tuple[Tensor, Tensor]:
        all_batches = torch.stack(list(self.state.values()), 1).flatten(1)
        return all_batches.amin(1), all_batches.amax(1)


class Forgets(Sound):
    def range(self) -> tuple[Tensor, Tensor]:
        found = super().range()
        self.state = {"lo": found[0] * 0, "hi": found[1] * 0}
        return found


class Overwrites(Sound):
    def widen(self, lo: Tensor, hi: Tensor) -> None:
        if not self.state:
            self.state = {"lo": lo.clone(), "hi": hi.clone()}
        torch.minimum(self.state["lo"], lo, out=self.state["lo"])
        torch.maximum(self.state["hi"], hi, out=self.state["hi"])


class LastWins(Sound):
    def merge(self, other: Self) -> None:
        self.state = dict(other.state)


class Halves(Sound):
    def merge(self, other: Self) -> None:
        self.state = {key: (value + other.state[key]) / 2 for key, value in self.state.items()}


class Ignores(Sound):
    def merge(self, other: Self) -> None:
        del other


class Shares(Sound):
    def merge(self, other: Self) -> None:
        super().merge(other)
        other.state |= self.state
        self.state = other.state


class OnlyIntegers(Sound):
    def for_settings(self, settings: Settings) -> None:
        if isinstance(settings.dtype.format, FloatFormat):
            self.widen(torch.full((6,), torch.nan), torch.full((6,), torch.nan))


FAULTS: dict[str, type[Sound]] = {
    "test_the_range_of_a_constant_contains_it": Shrinks,
    "test_the_minimum_is_not_above_the_maximum": Swaps,
    "test_there_is_one_float32_range_for_each_block": Doubles,
    "test_blocks_do_not_touch_each_other": OneForAll,
    "test_observing_leaves_the_values_alone": Scribbles,
    "test_the_tensor_given_may_be_reused": Keeps,
    "test_batches_may_differ_in_size": Stacks,
    "test_asking_changes_nothing": Forgets,
    "test_a_range_given_out_does_not_change": Overwrites,
    "test_merging_in_any_order_gives_the_same": LastWins,
    "test_merging_may_be_grouped": Halves,
    "test_merging_equals_observing_all": Ignores,
    "test_merging_leaves_the_other_alone": Shares,
    "test_any_settings_may_be_told": OnlyIntegers,
    "test_memory_is_bounded": Keeps,
}


def kit(observer: type[Sound]) -> type[ObserverTests]:
    class Kit(ObserverTests):
        __test__ = False
        spec = quark_observers.OBSERVERS[0]

        def observer(self) -> Observer:
            return observer()

    return Kit


def test_every_check_has_a_fault() -> None:
    every_check_has_a_fault(ObserverTests, FAULTS)


@pytest.mark.parametrize("check", sorted(FAULTS))
def test_a_fault_is_caught(check: str) -> None:
    # torch.stack cannot stack what differs in size.
    also = (RuntimeError,) if FAULTS[check] is Stacks else ()
    fails(kit(FAULTS[check]), check, *also)


@pytest.mark.parametrize("check", sorted(checks(ObserverTests)))
def test_a_sound_one_passes(check: str) -> None:
    passes(kit(Sound), check)


def test_one_whose_order_matters_says_so() -> None:
    check = "test_merging_equals_observing_all"
    spec = replace(quark_observers.OBSERVERS[0], order_matters=True)
    for observer, verdict in ((Ignores, passes), (Sound, fails)):
        suite = kit(observer)
        suite.spec = spec
        verdict(suite, check)


def test_an_observer_is_told_what_its_formats_are() -> None:
    class ForIntegers(kit(OnlyIntegers)):  # type: ignore[misc]  # made by a function
        __test__ = False
        spec = replace(quark_observers.OBSERVERS[0], formats=(IntFormat,))

    passes(ForIntegers, "test_any_settings_may_be_told")
    ForIntegers.spec = replace(ForIntegers.spec, formats=(FloatFormat,))
    fails(ForIntegers, "test_any_settings_may_be_told")
