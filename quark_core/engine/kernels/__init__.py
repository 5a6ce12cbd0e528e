"""Kernels: one file a family of number formats. They work on values that are already divided by the scale."""

from functools import cache
from typing import Protocol

import torch
from torch import Tensor

from quark_core.engine.kernels.codebook import CodebookKernel
from quark_core.engine.kernels.codec import CodecKernel
from quark_core.engine.kernels.floating import FloatKernel
from quark_core.engine.kernels.integer import IntKernel
from quark_core.engine.kernels.scratch import Scratch
from quark_core.plugin.formats import BlockFormat, CodebookFormat, CodecFormat, FloatFormat, Format
from quark_core.plugin.options import Options
from quark_core.plugin.settings import Settings
from quark_core.plugin.specs import RoundingSpec


class Kernel(Protocol):
    """Elementwise arithmetic of one format on scaled values, float32, with zero points that broadcast to them."""

    keeps_sign_of_zero: bool
    """False when ``snap`` may give -0 for what a code gives back as +0."""

    @property
    def cast_dtype(self) -> torch.dtype | None:
        """The torch dtype that a value may be cast to and back instead of ``snap``, or None."""

    def snap(self, v: Tensor, zero_point: Tensor | float, scratch: Scratch) -> None:
        """Round ``v`` IN PLACE to values of the format, relative to the zero point; NaN stays NaN.

        The zero point may be one number for all blocks. ``scratch`` serves the tiles of one call.
        """

    def encode(self, v: Tensor, zero_point: Tensor) -> Tensor:
        """Return the codes of ``v``, of an integer dtype that holds them; ``v`` is used up.

        Raises DataError for NaN where the format has none.
        """

    def decode(self, codes: Tensor, zero_point: Tensor) -> Tensor:
        """Return scaled values (float32) of ``codes`` (any integer dtype); inverse of ``encode``."""

    def bounds(self, zero_point: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return the scaled values (like ``zero_point``) beyond which gradients stop; None when they never do.

        Integers: beyond which the rounded value has no code.
        """


def kernel_for(settings: Settings) -> Kernel:
    """Return the kernel of the format and rounding in ``settings``; built once, where the rounding has no state."""
    options = settings.rounding_options
    unbounded = not settings.dtype.scaled or settings.dtype.is_block
    if _hashable(options) and not settings.rounding.is_stateful:
        return _cached(settings.dtype.format, settings.rounding, options, unbounded)
    return _build(settings.dtype.format, settings.rounding, options, unbounded)


def _hashable(options: Options) -> bool:
    # Options of a plugin may hold lists, which have no hash.
    try:
        hash(options)
    except TypeError:
        return False
    return True


@cache
def _cached(fmt: Format, rounding: RoundingSpec, options: Options, unbounded: bool) -> Kernel:
    return _build(fmt, rounding, options, unbounded)


def _build(fmt: Format, spec: RoundingSpec, options: Options, unbounded: bool) -> Kernel:
    rounding = spec.impl.load()(options)
    if isinstance(fmt, BlockFormat):
        fmt = fmt.element
    if isinstance(fmt, FloatFormat):
        return FloatKernel(fmt, rounding, clips=not unbounded, half_even=spec.is_half_even)
    if isinstance(fmt, CodebookFormat):
        return CodebookKernel(fmt, rounding, is_stateful=spec.is_stateful)
    if isinstance(fmt, CodecFormat):
        return CodecKernel(fmt)
    return IntKernel(fmt, rounding)
