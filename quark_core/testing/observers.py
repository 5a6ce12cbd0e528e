"""The suite for an observer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from quark_core.plugin import (
    CodebookFormat,
    DtypeSpec,
    FloatFormat,
    Format,
    IntFormat,
    Observer,
    ObserverSpec,
    Settings,
)
from quark_core.plugin.protocols import ForSettings
from quark_core.registry import current
from quark_core.testing.options import build
from quark_core.testing.settings import settings_for
from quark_core.testing.state import values_held
from quark_core.testing.suite import Suite

if TYPE_CHECKING:
    from torch import Tensor

Range = tuple["Tensor", "Tensor"]

FORMATS: tuple[Format, ...] = (
    IntFormat(8),
    IntFormat(4, signed=False),
    IntFormat(2),
    FloatFormat(4, 3, "fn"),
    CodebookFormat((-1.0, -0.25, 0.0, 0.125, 1.0)),
)
"""What an observer that asks for settings is told."""


def _batches(count: int = 4, blocks: int = 6, elements: int = 64) -> list[Tensor]:
    """Return batches whose blocks differ in size and place."""
    import torch

    generator = torch.Generator().manual_seed(20)
    place = torch.arange(blocks).float()[:, None]
    return [torch.randn(blocks, elements, generator=generator) * (place + 1) + place for _ in range(count)]


def _told(observer: ObserverSpec) -> list[Settings]:
    dtypes = [DtypeSpec(f"kit.{number}", fmt) for number, fmt in enumerate(FORMATS)]
    if observer.formats is not None:
        # A format with code of its own cannot be made up here.
        every = [*dtypes, *current().dtypes().values()]
        dtypes = [spec for spec in every if isinstance(spec.format, observer.formats)]
        assert dtypes, f"{observer.name}: no installed dtype has a format of its `formats`"
    return [settings for dtype in dtypes for settings in settings_for(dtype, only_half_even=True)]


def _close(a: Range, b: Range) -> bool:
    import torch

    return all(torch.allclose(x, y, rtol=1e-5, atol=1e-6) for x, y in zip(a, b, strict=True))


class ObserverTests(Suite, abstract=True):
    """Checks an observer. Set ``spec``; ``options`` where it has options without defaults."""

    required = {"spec": ObserverSpec}
    spec: ClassVar[ObserverSpec]
    options: ClassVar[Mapping[str, Any]] = {}
    """Options to test with."""
    values_per_block: ClassVar[int] = 1 << 19
    """An observer may hold this many values for each block, or as many as it held after five batches."""

    def observer(self) -> Observer:
        """Return a new observer."""
        made: Observer = build(self.spec, self.options)
        return made

    def observed(self, *batches: Tensor, settings: Settings | None = None) -> Observer:
        """Return an observer that has seen the batches, told the settings if it asks for them."""
        observer = self.observer()
        if settings is not None and isinstance(observer, ForSettings):
            observer.for_settings(settings)
        for batch in batches:
            observer.observe(batch.clone())
        return observer

    def test_the_range_of_a_constant_contains_it(self) -> None:
        import torch

        for value in (2.5, -0.1, 1e-20, 1e30):
            lo, hi = self.observed(*[torch.full((3, 16), value)] * 3).range()
            slack = abs(value) * 1e-6
            assert (lo <= value + slack).all(), f"all values were {value}, yet the minimum is {lo.max().item()}"
            assert (hi >= value - slack).all(), f"all values were {value}, yet the maximum is {hi.min().item()}"

    def test_the_minimum_is_not_above_the_maximum(self) -> None:
        import torch

        for batch in (*_batches(), torch.zeros(3, 5), torch.full((2, 3), -7.0)):
            lo, hi = self.observed(batch).range()
            assert (lo <= hi).all(), "a block has a minimum above its maximum"
            assert (lo.isfinite() & hi.isfinite()).all(), "finite values gave a range that is not"

    def test_there_is_one_float32_range_for_each_block(self) -> None:
        import torch

        for blocks, elements in ((1, 64), (6, 64), (6, 1), (1, 1)):
            for count in (1, 3):
                for bound in self.observed(*_batches(count, blocks, elements)).range():
                    shape = tuple(bound.shape)
                    assert shape == (blocks,), f"{blocks} blocks gave bounds of shape {shape}; reduce dimension 1"
                    assert bound.dtype == torch.float32, f"a bound is {bound.dtype}; return float32"

    def test_blocks_do_not_touch_each_other(self) -> None:
        batches = _batches()
        lo, hi = self.observed(*batches).range()
        for block in range(len(lo)):
            alone = self.observed(*[batch[block : block + 1] for batch in batches]).range()
            together = (lo[block : block + 1], hi[block : block + 1])
            assert _close(alone, together), f"block {block} has another range beside others than alone"

    def test_observing_leaves_the_values_alone(self) -> None:
        import torch

        observer = self.observer()
        for batch in _batches():
            given = batch.clone()
            observer.observe(given)
            assert torch.equal(given, batch), "observe changed the tensor it was given; work on a copy"

    def test_the_tensor_given_may_be_reused(self) -> None:
        observer, batches = self.observer(), _batches()
        for batch in batches:
            given = batch.clone()
            observer.observe(given)
            given.fill_(1e9)
        assert _close(observer.range(), self.observed(*batches).range()), "keep a copy: the engine reuses its buffers"

    def test_batches_may_differ_in_size(self) -> None:
        a, b = _batches(2)
        lo, hi = self.observed(a, b[:, :1], b[:, :7]).range()
        assert (lo <= hi).all(), "after batches of 64, 1 and 7 elements a block has a minimum above its maximum"

    def test_asking_changes_nothing(self) -> None:
        a, b = _batches(2)
        observer = self.observed(a)
        first, second = observer.range(), observer.range()
        assert _close(first, second), "range gave two answers"
        observer.observe(b)
        assert _close(observer.range(), self.observed(a, b).range()), "range changed what is observed later"

    def test_a_range_given_out_does_not_change(self) -> None:
        a, b = _batches(2)
        observer = self.observed(a)
        bounds = observer.range()
        before = bounds[0].clone(), bounds[1].clone()
        observer.observe(b * 100)
        assert _close(bounds, before), "range must return tensors that later batches do not overwrite"

    def test_merging_in_any_order_gives_the_same(self) -> None:
        a, b, c = _batches(3)

        def merged(first: Tensor, *rest: Tensor) -> Range:
            observer = self.observed(first)
            for batch in rest:
                observer.merge(self.observed(batch))
            return observer.range()

        expected = merged(a, b, c)
        for order in ((a, c, b), (b, a, c), (c, b, a)):
            assert _close(merged(*order), expected), "merging in another order gives another range"

    def test_merging_may_be_grouped(self) -> None:
        a, b, c, d = _batches(4)
        one, two, late = self.observed(a), self.observed(b), self.observed(c)
        late.merge(self.observed(d))
        one.merge(two)
        one.merge(late)
        chain = self.observed(a)
        for batch in (b, c, d):
            chain.merge(self.observed(batch))
        assert _close(one.range(), chain.range()), "(a + b) + (c + d) differs from ((a + b) + c) + d"

    def test_merging_equals_observing_all(self) -> None:
        a, b, c, d = _batches(4)
        observer = self.observed(a, b)
        observer.merge(self.observed(c, d))
        same = _close(observer.range(), self.observed(a, b, c, d).range())
        if self.spec.order_matters:
            assert not same, "merging equals observing all, so order_matters=True is not needed; leave it out"
        else:
            assert same, (
                "two processes that share the batches find another range than one that sees them all; where recent "
                "batches weigh more on purpose, say order_matters=True in the ObserverSpec"
            )

    def test_merging_leaves_the_other_alone(self) -> None:
        a, b = _batches(2)
        observer, other = self.observed(a), self.observed(b)
        observer.merge(other)
        observer.observe(a * 100)
        assert _close(other.range(), self.observed(b).range()), "merge changed the observer it was given"

    def test_any_settings_may_be_told(self) -> None:
        if not isinstance(self.observer(), ForSettings):
            return
        a, b = _batches(2)
        for settings in _told(self.spec):
            what = f"told {settings.describe()} of {settings.dtype.format}, "
            observer = self.observed(a, settings=settings)
            observer.merge(self.observed(b, settings=settings))
            lo, hi = observer.range()
            assert lo.shape == hi.shape == (len(a),), f"{what}it has not one range for each block"
            assert (lo.isfinite() & hi.isfinite() & (lo <= hi)).all(), f"{what}it gives a range that is none"

    def test_memory_is_bounded(self) -> None:
        # 50 batches are about three times what may be held.
        blocks, batches = 2, _batches(5, 2, max(4096, self.values_per_block // 16))
        observer = self.observed(*batches)
        early = values_held(observer)
        for _ in range(9):
            for batch in batches:
                observer.observe(batch.clone())
        late, bound = values_held(observer), max(early, blocks * self.values_per_block)
        assert late <= bound, f"after 50 batches it holds {late} values, {early} after 5: keep a summary, not batches"
