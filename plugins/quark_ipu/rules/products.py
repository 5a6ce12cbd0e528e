"""Sums of products: layers with weights, and products of matrices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from quark_core.engine.authoring import own_code
from quark_ipu.accumulators import LIMIT, largest_sum
from quark_ipu.arithmetic.convolution import Walk, convolve, convolve_transposed
from quark_ipu.rewriting import each
from quark_ipu.sites import Form, Parameter, Site, Step

Product = Callable[[Tensor, Tensor], Tensor]


def weighted(site: Site) -> Step | str:
    """Convolution, transposed convolution, linear: the sum of products, and the bias at the finer of both positions."""
    if site.note.weight is None:
        return matmul(site)
    source, weight, bias = site.argument(), site.parameter(site.note.weight), site.parameter(site.note.bias)
    x = site.codes(source)
    if x is None or weight is None:
        return f"its {'weight' if x else 'input'} is not quantized"
    if site.note.bias is not None and bias is None:
        return "its bias is not quantized; write bias: {dtype: int8, scale_type: pof2}"
    product = _product(site)
    if isinstance(product, str):
        return product
    total = _Sum(site, product, weight, bias, x)
    return Step(total.form, (source,), total)


class _Sum:
    """The product shifted up to the position of a finer bias, or the bias shifted up to that of the product."""

    def __init__(self, site: Site, product: Product, weight: Parameter, bias: Parameter | None, x: Form) -> None:
        self._product, self._weight = product, weight.codes
        own = weight.position + x.position
        at = max(own, bias.position) if bias else own
        transposed = site.note.kind.startswith("conv_transpose")
        reach = largest_sum(weight.codes, transposed=transposed, groups=site.option(6, "groups", 1)) * x.bound
        self._up = at - own
        self._bias, most = _shifted(site, bias, at)
        self.form = Form(at, site.hold((reach << self._up) + most), codes=False)
        self._rank = 0 if site.note.kind == "linear" else weight.codes.dim() - 2

    def __call__(self, x: Tensor) -> Tensor:
        found = self._product(x, self._weight) << self._up
        return found if self._bias is None else found + self._bias.reshape(-1, *[1] * self._rank)


def _shifted(site: Site, bias: Parameter | None, at: int) -> tuple[Tensor | None, int]:
    """Return a bias at position ``at``, and its largest magnitude there."""
    if bias is None or not bias.codes.numel():
        return None, 0
    up = at - bias.position
    # Asked first: what is shifted beyond 32 bits would wrap around.
    most = site.hold(int(bias.codes.abs().max()) << up)
    return bias.codes << up, most


def _product(site: Site) -> Product | str:
    kind = site.note.kind
    if kind == "linear":
        own = None if site.module is None else own_code(site.module, nn.Linear)
        return own or functional.linear
    if kind.startswith("conv_transpose"):
        return _transposed(site)
    found = site.walk()
    if found is None:
        return "it pads by other numbers than zeros, or computes with a forward of its own"
    return _Convolved(Walk(found.stride, found.padding, found.dilation, found.groups), found.pads)


@dataclass(frozen=True)
class _Convolved:
    walk: Walk
    pads: tuple[tuple[int, ...], ...]

    def __call__(self, x: Tensor, weight: Tensor) -> Tensor:
        for pads in self.pads:
            x = functional.pad(x, pads)
        return _batched(convolve, x, weight, self.walk)


def _batched(compute: Callable[[Tensor, Tensor, Walk], Tensor], x: Tensor, weight: Tensor, walk: Walk) -> Tensor:
    """Compute with an axis for the batch, which torch's own convolutions do not ask for."""
    if x.dim() == weight.dim():
        return compute(x, weight, walk)
    return compute(x.unsqueeze(0), weight, walk).squeeze(0)


_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def _transposed(site: Site) -> Product | str:
    if site.module is not None and (own := own_code(site.module, *_TRANSPOSED)) is not None:
        return own
    rank = int(site.note.kind[-2])
    names = (("stride", 1), ("padding", 0), ("output_padding", 0), ("groups", 1), ("dilation", 1))
    stride, padding, extra, groups, dilation = (site.option(at, *name) for at, name in enumerate(names, 3))
    walk = Walk(each(stride, rank), each(padding, rank), each(dilation, rank), groups, each(extra, rank))
    return lambda x, weight: _batched(convolve_transposed, x, weight, walk)


def matmul(site: Site) -> Step | str:
    """A product of two activations; how long its sums are is known when it runs."""
    sources = (site.argument(0), site.argument(1))
    first, second = map(site.codes, sources)
    if first is None or second is None:
        return "its inputs are not quantized"
    if site.note.kind == "linear":
        return "its weight is computed, and no parameter"
    bound = first.bound * second.bound

    def run(a: Tensor, b: Tensor) -> Tensor:
        site.hold(a.shape[-1] * bound)
        return torch.matmul(a, b)

    return Step(Form(first.position + second.position, LIMIT - 1, codes=False), sources, run)
