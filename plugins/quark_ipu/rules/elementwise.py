"""Operators that treat each value alone."""

from __future__ import annotations

import torch
from torch import Tensor

from quark_ipu.functions import SIXTH, SIXTH_BITS, SLOPE, SLOPE_BITS
from quark_ipu.sites import Form, Site, Step


def relu6(site: Site) -> Step | str:
    """Clamps codes and sums alike; behind a layer it is part of it."""
    form = site.form(site.argument())
    if form is None or form.is_open:
        return "its input is not quantized"
    at = max(form.position, 0)
    up = at - form.position
    # Where 6 does not fit 32 bits, no value of 32 bits is above it.
    top = min(6 << at, 2**31 - 1)
    bound = min(site.hold(form.bound << up) if up else form.bound, top)
    return Step(Form(at, bound, form.codes and not up), (site.argument(),), lambda x: (x << up).clamp(0, top))


def leaky_relu(site: Site) -> Step | str:
    """26/256 of what is negative, 256/256 of the rest."""
    form = site.codes(site.argument())
    if form is None:
        return "its input is not quantized"
    made = Form(form.position + SLOPE_BITS, site.hold(form.bound << SLOPE_BITS), codes=False)
    return Step(made, (site.argument(),), lambda x: torch.maximum(x << SLOPE_BITS, x * SLOPE))


def hard_sigmoid(site: Site) -> Step | str:
    """clamp(x + 3, 0, 6) * 2731 / 2^14."""
    form = site.codes(site.argument())
    if form is None:
        return "its input is not quantized"
    at = max(form.position, 0)
    up, three, top = at - form.position, 3 << at, 6 << at
    bound = min((form.bound << up) + three, top) * SIXTH
    made = Form(at + SIXTH_BITS, site.hold(bound), codes=False)

    def run(x: Tensor) -> Tensor:
        return ((x << up) + three).clamp(0, top) * SIXTH

    return Step(made, (site.argument(),), run)
