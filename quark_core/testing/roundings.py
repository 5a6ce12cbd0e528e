"""The suite for a rounding scheme."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from quark_core.plugin import RoundingSpec
from quark_core.testing.options import build
from quark_core.testing.suite import Suite

if TYPE_CHECKING:
    from torch import Tensor


def _inputs() -> list[Tensor]:
    """Return ties, near-ties and large values, sorted, in both precisions that the engine uses."""
    import torch

    near = torch.tensor([0.49999997, 0.5, 0.50000006, 0.99999994, 1.5, 2.5, 3.49, 126.5, 127.5])
    large = torch.tensor([2.0**22 + 0.5, 2.0**23 - 0.5, 2.0**23 + 1, 2.0**24, 3.0e9])
    some = torch.cat([near, large, torch.linspace(0, 9, 145)])
    x = torch.cat([some, -some]).sort().values
    return [x, x.double(), torch.linspace(-4, 4, 4097, dtype=torch.float64)]


class RoundingTests(Suite, abstract=True):
    """Checks a rounding scheme. Set ``spec``; ``options`` where it has options without defaults."""

    required = {"spec": RoundingSpec}
    spec: ClassVar[RoundingSpec]
    options: ClassVar[Mapping[str, Any]] = {}
    """Options to test with."""

    def rounded(self, x: Tensor) -> Tensor:
        """Return ``x`` rounded, leaving ``x`` alone."""
        result: Tensor = build(self.spec, self.options)(x.clone())
        return result

    def test_integers_stay(self) -> None:
        import torch

        for dtype in (torch.float32, torch.float64):
            x = torch.cat([torch.arange(-300, 301), torch.tensor([2**23 + 1, -(2**23) - 1, 2**24])]).to(dtype)
            assert torch.equal(self.rounded(x), x), f"an integer changed in {dtype}: round(x) must be x for integers"

    def test_results_are_integers(self) -> None:
        import torch

        for x in _inputs():
            y = self.rounded(x)
            assert torch.equal(y, y.trunc()), "a result is no integer"

    def test_results_lie_within_one(self) -> None:
        for x in _inputs():
            off = (self.rounded(x).double() - x.double()).abs().max().item()
            assert off <= 1, f"a value moved by {off}; rounding moves a value to a neighbouring integer"

    def test_it_is_monotone(self) -> None:
        # One that draws lots may round two neighbours apart.
        slack = int(self.spec.is_stateful)
        for x in _inputs():
            steps = self.rounded(x).diff()
            assert (steps >= -slack).all(), "a larger input gave a smaller result"

    def test_it_works_in_place(self) -> None:
        import torch

        for x in _inputs():
            given = x.clone()
            result = build(self.spec, self.options)(given)
            assert result.data_ptr() == given.data_ptr(), "round into the tensor given and return it: x.floor_()"
            assert torch.equal(given, self.rounded(x)), "the tensor given must hold the result"

    def test_it_keeps_dtype_and_shape(self) -> None:
        import torch

        for shape in ((), (0,), (3,), (2, 0, 3), (2, 3, 4)):
            for dtype in (torch.float32, torch.float64):
                y = self.rounded(torch.full(shape, 1.25, dtype=dtype))
                assert (y.shape, y.dtype) == (torch.Size(shape), dtype), "return the tensor that was given: x.floor_()"

    def test_nan_stays_nan(self) -> None:
        import torch

        y = self.rounded(torch.tensor([1.25, float("nan"), -1.25]))
        assert y.isnan().tolist() == [False, True, False], "NaN must stay NaN, and touch nothing beside it"

    def test_views_are_rounded_where_they_are(self) -> None:
        import torch

        base = torch.linspace(-4, 4, 24).reshape(4, 6)
        views = base.clone(), base.clone()
        build(self.spec, self.options)(views[0].T[1::2])
        expected = base.clone()
        expected.T[1::2] = self.rounded(base.T[1::2].contiguous())
        assert torch.equal(views[0], expected), "a non-contiguous view must be rounded in place, and nothing else"

    def test_it_has_no_memory(self) -> None:
        import torch

        shared = build(self.spec, self.options)
        for x in _inputs():
            # The engine makes a fresh one for each tensor where a call depends on earlier ones.
            first, second = (
                (self.rounded(x), self.rounded(x)) if self.spec.is_stateful else (shared(x.clone()), shared(x.clone()))
            )
            assert torch.equal(first, second), (
                "the same input gave two results; take the seed of a random generator from the options, and say "
                "is_stateful=True in the RoundingSpec where a call depends on earlier ones"
            )

    def test_half_even_as_promised(self) -> None:
        import torch

        if not self.spec.is_half_even:
            return
        for x in _inputs():
            # Kernels restore the sign of zero, so it does not count.
            assert torch.equal(self.rounded(x), x.round()), "is_half_even promises IEEE ties-to-even: x.round_()"
