"""Averages: a sum times m / 2^k."""

from __future__ import annotations

from math import prod

from torch import Tensor

from quark_ipu.accumulators import LIMIT
from quark_ipu.functions import global_average, window_sum
from quark_ipu.multipliers import Multiplier, reciprocal
from quark_ipu.sites import Form, Site, Step


def averaged(site: Site) -> Step | str:
    """Average pools, global or not; the shift is left to the quantizer."""
    form = site.codes(site.argument())
    if form is None:
        return "its input is not quantized"
    return _global(site, form) if site.node.target is global_average else _windows(site, form)


def _windows(site: Site, form: Form) -> Step:
    kernel, stride, padding, (factor, shift) = site.given[1:]
    bound = site.hold(form.bound * prod(kernel) * factor)
    return Step(
        Form(form.position + shift, bound, codes=False),
        (site.argument(),),
        lambda x: window_sum(x, kernel, stride, padding) * factor,
    )


def _global(site: Site, form: Form) -> Step:
    """The multiplier, and with it the position, depends on the size of the input, which graphs may leave open."""
    axes, keep = site.given[1:]

    def multiplier(x: Tensor) -> Multiplier:
        return reciprocal(tuple(x.shape[axis] for axis in axes))

    def run(x: Tensor) -> Tensor:
        factor = multiplier(x).factor
        site.hold(form.bound * prod(x.shape[axis] for axis in axes) * factor)
        return x.sum(axes, keepdim=keep, dtype=x.dtype) * factor

    made = Form(form.position, LIMIT - 1, codes=False, is_open=True)
    return Step(made, (site.argument(),), run, position_of=lambda x: form.position + multiplier(x).shift)
