"""MultiheadAttention uses the parameters of its output projection without calling it; here it is called."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor, nn

from quark_core.engine.modules.layers import QuantizedLayer


class _Identity(nn.Module):
    """Stands in for the output projection: gives back what the heads computed, exactly."""

    def __init__(self, like: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", torch.eye(like.shape[0], dtype=like.dtype, device=like.device))
        self.register_buffer("bias", like.new_zeros(like.shape[0]))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x``."""
        return x


def _weight(projection: Any) -> Tensor:
    # Devices keep some weights in other forms than parameters.
    weight: Tensor = projection.weight
    return weight


class ProjectedAttention(nn.MultiheadAttention):
    """Calls ``out_proj`` as the module that it is, so that its activations are quantized.

    Stands between a subclass of MultiheadAttention and MultiheadAttention itself, so that what a subclass's own forward
    does around the attention stays as it is.
    """

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the attention with an identity in place of ``out_proj``, then ``out_proj`` on the result."""
        projection = self._modules["out_proj"]
        if not isinstance(projection, QuantizedLayer):
            return super().forward(*args, **kwargs)
        heads, weights = super(ProjectedAttention, self._twin(projection)).forward(*args, **kwargs)
        return projection(heads), weights

    def _twin(self, projection: nn.Module) -> Self:
        # This module itself is not touched: other threads may be running it.
        twin = type(self).__new__(type(self))
        modules = {**self._modules, "out_proj": _Identity(_weight(projection))}
        twin.__dict__ = {**self.__dict__, "_modules": modules}
        return twin
