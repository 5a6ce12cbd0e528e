"""Positions: the IPU's word for power-of-two scales. A code c at position p stands for c * 2^-p."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from quark_core.engine.authoring import Quantizer
from quark_core.errors import DeviceError
from quark_core.plugin import IntFormat


def position(quantizer: Quantizer) -> int:
    """Return -log2(scale); raises DeviceError where there is no one scale that is a power of two."""
    scale = quantizer.scale
    if scale is None or scale.numel() != 1 or not bool((torch.frexp(scale).mantissa == 0.5).all()):
        raise DeviceError(f"{quantizer.key}: the IPU needs power-of-two scales; write scale_type: pof2")
    return 1 - int(torch.frexp(scale).exponent.item())


def set_position(quantizer: Quantizer, value: int) -> None:
    """Make the scale 2^-value, in place."""
    if quantizer.scale is not None:
        quantizer.scale.fill_(2.0**-value)


def code_range(quantizer: Quantizer) -> tuple[int, int] | None:
    """Return the smallest and the largest code, or None for what is no 8-bit integer with zero point 0."""
    fmt, zero = quantizer.settings.dtype.format, quantizer.zero_point
    if not isinstance(fmt, IntFormat) or fmt.bits != 8 or quantizer.scale is None or quantizer.scale.numel() != 1:
        return None
    return (fmt.qmin, fmt.qmax) if zero is None or not bool(zero.any()) else None


@dataclass(frozen=True)
class Grid:
    """What a quantizer to 8-bit codes does, in whole numbers."""

    key: str
    position: int
    low: int
    high: int
    method: str
    """How it rounds."""

    @staticmethod
    def of(quantizer: Quantizer) -> Grid | None:
        """Return that of a quantizer, or None where its codes are no 8-bit integers with zero point 0."""
        span = code_range(quantizer)
        if span is None:
            return None
        return Grid(quantizer.key, position(quantizer), *span, quantizer.settings.rounding.name)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of its codes."""
        return torch.uint8 if self.low == 0 else torch.int8
