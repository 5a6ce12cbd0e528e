"""How the executor computes each kind of operator on integers; a rule answers why not where it cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from quark_ipu.rules.elementwise import hard_sigmoid, leaky_relu, relu6
from quark_ipu.rules.moves import joined, moved
from quark_ipu.rules.pools import averaged
from quark_ipu.rules.products import matmul, weighted
from quark_ipu.rules.sums import multiplied, summed
from quark_ipu.shifts import WEIGHTED
from quark_ipu.sites import Site, Step

Rule = Callable[[Site], Step | str]

RULES: Mapping[str, Rule] = {
    **dict.fromkeys(WEIGHTED, weighted),
    **dict.fromkeys(("matmul", "bmm"), matmul),
    **dict.fromkeys(("add", "sub"), summed),
    **dict.fromkeys(("mul", "swish_mul"), multiplied),
    **dict.fromkeys(("cat", "stack"), joined),
    "relu6": relu6,
    "fixed_leaky_relu": leaky_relu,
    "hardsigmoid": hard_sigmoid,
    "fixed_avg_pool": averaged,
}
"""By the kinds of ``Note``; what moves values besides is computed by ``moved``."""


def step(site: Site) -> Step | str:
    """Return how an operator is computed on integers, or why it is not."""
    rule = moved if site.note.moves else RULES.get(site.note.kind)
    return rule(site) if rule else f"the IPU does not compute {site.note.kind}"


__all__ = ["step"]
