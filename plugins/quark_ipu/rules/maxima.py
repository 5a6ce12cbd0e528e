"""Max pools: they pick codes, which torch does with integers for some of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from quark_ipu.arithmetic.moving import adaptive_max_pool, max_pool1d
from quark_ipu.rewriting import each
from quark_ipu.sites import Site

_RANKS = (1, 2, 3)


def max_pool(site: Site) -> Callable[[Tensor], Any] | str | None:
    """Return what pools integers, None where the operator itself does, or why it is not computed on them."""
    name = site.label.lower()
    if site.option(2 if "adaptive" in name else 6, "return_indices", default=False) is True:
        return "it returns indices"
    if "adaptive" in name:
        return _adaptive(site, name)
    return _one_axis(site) if "1d" in name else None


def _one_axis(site: Site) -> Callable[[Tensor], Tensor]:
    kernel = each(site.option(1, "kernel_size"), 1)[0]
    stride = each(site.option(2, "stride") or kernel, 1)[0]
    padding, dilation = (each(site.option(*at), 1)[0] for at in ((3, "padding", 0), (4, "dilation", 1)))
    ceil = bool(site.option(5, "ceil_mode", default=False))
    return lambda x: max_pool1d(x, kernel, stride, padding, dilation, ceil_mode=ceil)


def _adaptive(site: Site, name: str) -> Callable[[Tensor], Any] | str:
    rank = next(rank for rank in _RANKS if f"{rank}d" in name)
    sizes = site.option(1, "output_size")
    if site.node.all_input_nodes[1:]:
        return "its size is computed"
    if not site.is_aten:
        return lambda x: adaptive_max_pool(x, each(sizes, rank))
    if any(user.args[1:] != (0,) for user in site.node.users):
        return "its indices are used"
    # In aten it always returns them too.
    return lambda x: (adaptive_max_pool(x, each(sizes, rank)),)
