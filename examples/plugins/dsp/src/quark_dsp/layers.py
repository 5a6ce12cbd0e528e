"""Layers that multiply int8 codes and add the products up in int32; floating point in and out."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from quark_core.engine.authoring import Convolution
from quark_dsp.operands import Operands


class IntegerLinear(nn.Module):
    """A linear layer."""

    def __init__(self, own: Operands) -> None:
        super().__init__()
        self._own = own

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # as in torch.nn.Linear
        """Return ``[..., out]`` for ``[..., in]``, in the dtype of the input."""
        sums = self._own.quantized(input) @ self._own.codes.T
        return self._own.values(sums, input.dtype)


class IntegerConv2d(nn.Module):
    """A convolution of two axes: one product of matrices over the patches of the input."""

    def __init__(self, own: Operands, how: Convolution) -> None:
        super().__init__()
        self._own, self._how = own, how

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # as in torch.nn.Conv2d
        """Return ``[batch, out, height, width]`` for ``[batch, in, height, width]``; batch may be missing."""
        codes = self._own.quantized(input)
        sums = self._sums(codes if codes.dim() == 4 else codes[None])
        result = self._own.values(sums.movedim(1, -1), input.dtype).movedim(-1, 1)
        return result if codes.dim() == 4 else result[0]

    def _sums(self, codes: Tensor) -> Tensor:
        height, width = self._how.padding
        for pads in (*self._how.pads, (width, width, height, height)):
            codes = functional.pad(codes, pads)
        groups, weight = self._how.groups, self._own.codes
        patches = self._patches(codes)
        batch, size = patches.shape[0], patches.shape[-2:]
        # [batch, group, values of a patch, places]
        columns = patches.reshape(batch, groups, -1, size.numel())
        sums = weight.reshape(groups, weight.shape[0] // groups, -1) @ columns
        return sums.reshape(batch, -1, *size)

    def _patches(self, codes: Tensor) -> Tensor:
        """Return ``[batch, in, offsets of the kernel, height, width]``: what each weight meets at each place."""
        rows, columns = self._own.codes.shape[2:]
        (down, right), (tall, wide) = self._how.stride, self._how.dilation
        high = (codes.shape[2] - tall * (rows - 1) - 1) // down * down + 1
        broad = (codes.shape[3] - wide * (columns - 1) - 1) // right * right + 1
        return torch.stack(
            [
                codes[:, :, row : row + high : down, column : column + broad : right]
                for row in range(0, tall * rows, tall)
                for column in range(0, wide * columns, wide)
            ],
            2,
        )
