"""Small networks that every mode must cope with. This module imports torch; the suite does so when a test runs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


class Tied(nn.Module):
    """An embedding whose weight is also the output layer's."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 8)
        self.head = nn.Linear(8, 11, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens: Tensor) -> Tensor:
        """Return scores."""
        scores: Tensor = self.head(self.embed(tokens))
        return scores


class Gain(nn.Module):
    """A layer that no mode knows."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.full((8,), 1.5))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` times the gain."""
        return x * self.gain


class Stranger(nn.Module):
    """A network with a layer that no mode knows."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 8)
        self.gain = Gain()

    def forward(self, x: Tensor) -> Tensor:
        """Return the scaled projection."""
        y: Tensor = self.gain(self.linear(x))
        return y


def _linear() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 4))


def _convolution() -> nn.Module:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 5))
    for buffer in net[1].buffers():
        if buffer.is_floating_point():
            buffer.uniform_(0.5, 1.5)
    return net


def _embedding() -> nn.Module:
    return nn.Sequential(nn.Embedding(11, 8), nn.Linear(8, 3))


class Attentive(nn.Module):
    """Attention, whose output projection is never called as a module."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of each step of ``x``, ``[batch, steps, 8]``."""
        scores: Tensor = self.head(self.attention(x, x, x, need_weights=False)[0])
        return scores


_TOKENS = torch.arange(22).reshape(2, 11) % 11

NETS: dict[str, tuple[Callable[[], nn.Module], Callable[[], Tensor]]] = {
    "linear": (_linear, lambda: torch.randn(5, 6)),
    "convolution": (_convolution, lambda: torch.randn(2, 3, 8, 8)),
    "embedding": (_embedding, lambda: _TOKENS),
    "tied": (Tied, lambda: _TOKENS),
    "attention": (Attentive, lambda: torch.randn(2, 5, 8)),
    "stranger": (Stranger, lambda: torch.randn(5, 6)),
}
"""Name -> what makes the network, and a batch for it."""


def make(name: str) -> tuple[nn.Module, Tensor]:
    """Return a network in eval mode and a batch, the same ones each time; the global random state is kept."""
    network, batch = NETS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        return network().eval(), batch()


def decibels(reference: Tensor, got: Tensor) -> float:
    """Return the signal to noise ratio of ``got``."""
    signal, noise = reference.detach().double(), (reference - got).detach().double()
    return float(10 * torch.log10(signal.square().sum() / noise.square().sum().clamp(min=1e-30)))
