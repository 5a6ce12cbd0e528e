"""What attention does to its scores besides products: functions that a graph calls where it is taken apart."""

from __future__ import annotations

import torch
from torch import Tensor


def causal(scores: Tensor) -> Tensor:
    """Return ``scores`` ``[..., queries, keys]`` with -inf where a key comes after its query."""
    allowed = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    return scores.masked_fill(allowed.logical_not(), float("-inf"))


def masked(scores: Tensor, mask: Tensor) -> Tensor:
    """Return ``scores`` with -inf where a boolean ``mask`` is False, or with a floating-point ``mask`` added."""
    return scores.masked_fill(mask.logical_not(), float("-inf")) if mask.dtype == torch.bool else scores + mask


def cleared(weights: Tensor, scores: Tensor) -> Tensor:
    """Return ``weights`` with 0 for queries that may look at no key, where a softmax gives NaN."""
    return weights.masked_fill((scores == float("-inf")).all(-1, keepdim=True), 0.0)


def repeated_heads(x: Tensor, query: Tensor) -> Tensor:
    """Return ``x`` ``[..., heads, length, features]`` with as many heads as ``query``, each repeated in place."""
    return x.repeat_interleave(query.shape[-3] // x.shape[-3], -3)


def scale_of(query: Tensor) -> float:
    """Return the scale of scores where none is given: 1 / sqrt(features)."""
    return float(query.shape[-1] ** -0.5)
