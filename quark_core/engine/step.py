"""What quantize-dequantize does to one tile."""

import torch
from torch import Tensor

from quark_core.engine.kernels import Kernel, kernel_for
from quark_core.engine.kernels.scratch import Scratch
from quark_core.plugin.settings import Settings

_VALUE = 2
"""Number of a scratch buffer; kernels use 0 and 1."""


class Step:
    """Divide, round, multiply; two of the same format and rounding are equal."""

    def __init__(self, settings: Settings) -> None:
        self._scaled = settings.dtype.scaled
        self._kernel: Kernel = kernel_for(settings)
        self._zero = torch.zeros(())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Step) and (self._kernel, self._scaled) == (other._kernel, other._scaled)

    def __hash__(self) -> int:
        return hash((self._kernel, self._scaled))

    def __call__(
        self, source: Tensor, target: Tensor, scale: Tensor, zero_point: Tensor | float, scratch: Scratch
    ) -> None:
        """Write ``source`` divided by ``scale`` (``[blocks, 1]``), rounded and multiplied back, into ``target``."""
        cast = self._kernel.cast_dtype
        if not self._scaled and cast is not None and source.dtype != torch.float64:
            target.copy_(scratch.like(source, 0, cast).copy_(source))
            return
        work = _work(target, scratch)
        if not self._scaled:
            work.copy_(source)
            self._kernel.snap(work, zero_point, scratch)
        else:
            if source.dtype != torch.float32:
                source = work.copy_(source)
            torch.div(source, scale, out=work)
            self._kernel.snap(work, zero_point, scratch)
            self._multiply(work, scale)
        if work is not target:
            self._store(work, target)

    def _multiply(self, work: Tensor, scale: Tensor) -> None:
        if self._kernel.keeps_sign_of_zero:
            work.mul_(scale)
        elif scale.numel() == 1 and not work.is_cuda and not torch.compiler.is_compiling():
            # 0 + scale * work in one pass: -0 becomes +0, as decoding a code would give.
            torch.add(self._zero, work, alpha=scale.item(), out=work)
        else:
            work.add_(0.0).mul_(scale)

    def _store(self, work: Tensor, target: Tensor) -> None:
        if self._scaled and target.dtype in (torch.float16, torch.bfloat16):
            limit = torch.finfo(target.dtype).max
            work.clamp_(-limit, limit)
        target.copy_(work)


def _work(target: Tensor, scratch: Scratch) -> Tensor:
    # Steps over strided memory would each be slow; over a buffer only the last one is.
    if target.dtype == torch.float32 and (target.stride(1) == 1 or target.shape[1] == 1):
        return target
    return scratch.like(target, _VALUE)
