"""Room in the accumulator: weight scales grow until no input can make a sum overflow."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from quark_core.engine.authoring import Quantizer, parameter_quantizers
from quark_core.plugin import Adjustment
from quark_dsp.operands import HIGH, LOW


def make_room(prepared: nn.Module, bits: int) -> list[Adjustment]:
    """Double scales, in place, until the worst sum of every output channel fits ``bits``; return what was changed.

    Weights of half the size have about half the sum, so that this ends. Tied weights have one quantizer, and fit when
    they are met again.
    """
    return [change for weight, quantizer in _weights(prepared) for change in _roomy(weight, quantizer, bits)]


def _weights(prepared: nn.Module) -> Iterator[tuple[Tensor, Quantizer]]:
    for module, name, quantizer in parameter_quantizers(prepared):
        if quantizer.tensor.role == "weight":
            yield getattr(module, name).detach(), quantizer


def _roomy(weight: Tensor, quantizer: Quantizer, bits: int) -> Iterator[Adjustment]:
    scale, limit = quantizer.scale, (1 << (bits - 1)) - 1
    if scale is None:
        return
    first = sums = _worst(weight, scale)
    before, changed = float(scale.max()), torch.zeros_like(scale, dtype=torch.bool)
    while (over := sums > limit).any():
        scale[over] *= 2
        changed |= over
        sums = _worst(weight, scale)
    if changed.any():
        yield Adjustment(
            quantizer.key,
            f"largest scale {before:.4g}",
            f"largest scale {float(scale.max()):.4g}",
            f"sums could reach {int(first.max())}, and {bits} bits hold {limit}: scales of {int(changed.sum())} of "
            f"{changed.numel()} channels doubled until they reach {int(sums.max())}",
        )


def _worst(weight: Tensor, scale: Tensor) -> Tensor:
    """Return the largest sum that each output channel can reach, ``[out]`` int64."""
    codes = (weight.flatten(1).float() / scale[:, None]).round().clamp(LOW, HIGH)
    return codes.abs().sum(1, dtype=torch.float64).long() * -LOW
