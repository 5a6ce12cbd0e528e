"""How large the sums of integers can become, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from quark_core.errors import DeviceError

LIMIT = 2**31
"""Sums have 32 bits."""
EXACT = 2**24
"""From here on float32 does not hold every whole number."""


@dataclass
class Accumulators:
    """The sums of a model's layers."""

    wide: dict[str, None] = field(default_factory=dict)
    """Layers whose sums may reach 2^24."""

    def hold(self, layer: str, bound: int) -> int:
        """Note that sums of ``layer`` go up to ``bound`` and return it; raise DeviceError beyond 32 bits."""
        if bound >= LIMIT:
            raise DeviceError(
                f"{layer}: its sums may reach {bound}, which 32 bits do not hold; exclude it, or give its weights "
                "a smaller range (observer: percentile)"
            )
        if bound >= EXACT:
            self.wide.setdefault(layer)
        return bound


def largest_sum(codes: Tensor, *, transposed: bool = False, groups: int = 1) -> int:
    """Return the largest sum of magnitudes of ``codes`` (whole numbers) that one output channel is made of.

    Weights of transposed convolutions are ``[in, out / groups, ...]``, all others ``[out, ...]``.
    """
    if not codes.numel():
        return 0
    sizes = codes.long().abs()
    if transposed:
        return int(sizes.reshape(groups, -1, sizes.shape[1], sizes[0, 0].numel()).sum((1, 3)).max())
    return int(sizes.flatten(1).sum(1).max())
