"""Operators that move, pick or join values: integers move as floating-point numbers do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from quark_ipu.rules.maxima import max_pool
from quark_ipu.sites import Form, Site, Step


def moved(site: Site) -> Step | str:
    """The operator itself, run on integers; where torch has no kernel for those, one of ours."""
    source = site.argument()
    form = site.form(source)
    if form is None:
        return "its input is not quantized"
    run = _SPECIAL[site.note.kind](site) if site.note.kind in _SPECIAL else None
    if isinstance(run, str):
        return run
    return Step(form, (source,), run, moves=True, in_bytes=site.note.kind == "upsample_nearest")


def joined(site: Site) -> Step | str:
    """Concatenation and stacking of values at one position."""
    sources = site.argument()
    forms = [site.codes(source) for source in sources]
    known = [form for form in forms if form is not None]
    if len(known) < len(forms):
        return "its inputs are not quantized"
    if len({form.position for form in known}) > 1:
        return "its inputs do not share one position"
    join = torch.cat if site.note.kind == "cat" else torch.stack
    axis = site.option(1, "dim", site.node.kwargs.get("axis", 0))
    form = Form(known[0].position, max(form.bound for form in known), codes=True)
    return Step(form, tuple(sources), lambda *parts: join(parts, axis))


def _cast(site: Site) -> Any:
    """Floating-point types of 16 bits hold codes, but not sums."""
    return _unchanged if site.codes(site.argument()) else "it may round sums"


def _unchanged(x: Tensor) -> Tensor:
    return x


def _mask(site: Site) -> Any:
    return f"{site.label} writes numbers that are no codes"


_SPECIAL: dict[str, Callable[[Site], Any]] = {"max_pool": max_pool, "cast": _cast, "mask": _mask}
"""Kinds for which there is more to do, or to refuse; each gives a function of integers, None, or why not."""
