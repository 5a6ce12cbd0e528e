"""The observer's torch code, imported only when a config uses it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from quark_aciq import ClipOptions
from quark_aciq.optimum import optimum
from quark_core.errors import DataError
from quark_core.plugin import IntFormat, Settings


class _Seen(NamedTuple):
    """What was observed of each block, ``[blocks]`` each; two of these become one by sums and extremes."""

    total: Tensor
    """Sum of the magnitudes (Laplace) or of the squares (Gauss), float64."""
    filled: Tensor
    """How many values are not 0, int64."""
    lo: Tensor
    hi: Tensor

    def plus(self, other: _Seen) -> _Seen:
        """Return both together."""
        total, filled, lo, hi = (theirs.to(mine.device) for mine, theirs in zip(self, other, strict=True))
        return _Seen(self.total + total, self.filled + filled, torch.minimum(self.lo, lo), torch.maximum(self.hi, hi))


class _Steps(NamedTuple):
    """How many steps of the format lie between 0 and the clipping value."""

    two_sided: int
    one_sided: int
    """Where all values lie on one side of 0."""


class Clip:
    """The range from -alpha to alpha, no wider than the values seen, with the alpha of least expected error.

    Values are taken to be spread around 0. The width of the distribution is the most likely one: b is the mean
    magnitude, sigma the root of the mean square. Zeros do not count, since they are exact under any range and, behind a
    ReLU, say nothing of the width. Where all values of a block lie on one side of 0 and the format follows
    (asymmetric or unsigned), all codes are on that side, as the paper has it for ReLU.

    Codes are taken to be evenly spaced, 2^bits of them on both sides or on one. That holds for ``IntFormat``, but for
    the one code that symmetric scales leave unused. An error of floats grows with the value, so that clipping gains
    them little, and codebooks and codecs are spaced as they like: of these, and wherever else ``bits`` are not known,
    the range is that of the values seen. With the option ``bits`` they count as evenly spaced. That the engine rounds
    scales to powers of two, where it does, is not taken into account.

    Source: Banner, Nahshan, Soudry, Post training 4-bit quantization of convolutional networks for rapid-deployment
    (NeurIPS 2019), section 3; the paper takes b and sigma around the mean, which for ranges that contain 0 is no gain.
    """

    def __init__(self, options: ClipOptions) -> None:
        self._distribution = options.distribution
        self._bits = options.bits
        self._seen: _Seen | None = None
        self._steps: _Steps | None = _steps(options.bits or 8, signed=True, symmetric=True)

    def for_settings(self, settings: Settings) -> None:
        """Clip for the bits and the symmetry of ``settings``; int8, symmetric, where nobody calls this."""
        fmt = settings.dtype.format
        bits, signed = (fmt.bits, fmt.signed) if isinstance(fmt, IntFormat) else (None, True)
        bits = self._bits or bits
        self._steps = None if bits is None else _steps(bits, signed=signed, symmetric=settings.symmetric)

    def observe(self, blocks: Tensor) -> None:
        """Take in a batch, ``[blocks, elements]`` float32; one without values changes nothing."""
        if not blocks.numel():
            return
        # The square of a float32 may leave float32.
        sizes = blocks.double().square() if self._distribution == "gauss" else blocks.abs()
        self._take(_Seen(sizes.sum(1, dtype=torch.float64), blocks.count_nonzero(1), blocks.amin(1), blocks.amax(1)))

    def merge(self, other: Clip) -> None:
        """Take in what ``other`` observed: sums, so neither the order nor the batches matter."""
        if other._seen is not None:
            self._take(other._seen)

    def range(self) -> tuple[Tensor, Tensor]:
        """Return the clipped minimum and maximum, each ``[blocks]`` float32; DataError when nothing was observed."""
        if self._seen is None:
            raise DataError("aciq.clip observed no values; give calibration data that reach this tensor")
        lo, hi = self._seen.lo, self._seen.hi
        if self._steps is None:
            return lo, hi
        alpha = self._alpha(self._seen, self._steps)
        # In float64, which holds an alpha that float32 may not.
        return torch.maximum(-alpha, lo.double()).float(), torch.minimum(alpha, hi.double()).float()

    def _take(self, seen: _Seen) -> None:
        self._seen = seen if self._seen is None else self._seen.plus(seen)

    def _alpha(self, seen: _Seen, steps: _Steps) -> Tensor:
        mean = seen.total / seen.filled.clamp(min=1)
        width = mean.sqrt() if self._distribution == "gauss" else mean
        one_sided = (seen.lo >= 0) | (seen.hi <= 0)
        both, one = (optimum(self._distribution, count) for count in steps)
        return width * torch.where(one_sided, one, both).to(width.dtype)


def _steps(bits: int, *, signed: bool, symmetric: bool) -> _Steps:
    half, whole = 1 << (bits - 1), 1 << bits
    if symmetric:
        return _Steps(half, half) if signed else _Steps(whole, whole)
    return _Steps(half, whole)
