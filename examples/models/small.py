"""Small networks of the kinds that are hard to quantize by modules alone, with random weights from a fixed seed."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional


class Attention(nn.Module):
    """Self-attention with functional products."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``[batch, length, width]``."""
        parts = (
            layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        mixed = functional.scaled_dot_product_attention(*parts)
        result: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return result


class Encoder(nn.Module):
    """A BERT-like encoder: embeddings of words and positions, then blocks of attention and a GELU network."""

    def __init__(self, words: int = 200, width: int = 64, heads: int = 4, blocks: int = 3, length: int = 32) -> None:
        super().__init__()
        self.words, self.positions = nn.Embedding(words, width), nn.Parameter(torch.randn(length, width) * 0.1)
        self.attention = nn.ModuleList(Attention(width, heads) for _ in range(blocks))
        self.up = nn.ModuleList(nn.Linear(width, 4 * width) for _ in range(blocks))
        self.down = nn.ModuleList(nn.Linear(4 * width, width) for _ in range(blocks))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2 * blocks))
        self.head = nn.Linear(width, 5)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return ``[batch, 5]`` scores of ``[batch, 32]`` tokens."""
        x = self.words(tokens) + self.positions
        for index, attention in enumerate(self.attention):
            x = self.norms[2 * index](x + attention(x))
            x = self.norms[2 * index + 1](x + self.down[index](functional.gelu(self.up[index](x))))
        result: Tensor = self.head(x.mean(1))
        return result


def _block(into: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(into, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU())


class UNet(nn.Module):
    """Down, up by interpolation, and concatenation with what was there on the way down."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.bottom = _block(3, 16), _block(16, 32), _block(32, 64)
        self.up, self.last, self.head = _block(96, 32), _block(48, 16), nn.Conv2d(16, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``[batch, 2, height, width]``; height and width are divisible by 4."""
        first = self.first(x)
        second = self.second(functional.max_pool2d(first, 2))
        bottom = self.bottom(functional.max_pool2d(second, 2))
        up = self.up(torch.cat([functional.interpolate(bottom, scale_factor=2.0, mode="nearest"), second], 1))
        last = self.last(torch.cat([functional.interpolate(up, scale_factor=2.0, mode="bilinear"), first], 1))
        result: Tensor = self.head(last)
        return result


class Thrice(nn.Module):
    """One ReLU module that is called three times."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = nn.Linear(16, 32), nn.Linear(32, 32), nn.Linear(32, 4)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return ``[batch, 4]``."""
        x = self.relu(self.one(x))
        x = self.relu(self.two(x) + x)
        result: Tensor = self.relu(self.three(x))
        return result


class Shapes(nn.Module):
    """Decides by the shape of its input, which stops a symbolic trace."""

    def __init__(self) -> None:
        super().__init__()
        self.wide, self.tall = nn.Conv2d(3, 8, (1, 3)), nn.Conv2d(3, 8, (3, 1))
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``[batch, 4]``."""
        x = self.wide(x) if x.shape[-1] > x.shape[-2] else self.tall(x)
        result: Tensor = self.head(torch.relu(x).mean((2, 3)))
        return result


def _made(cls: type[nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    net = cls().eval()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None and module.running_var is not None:
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
    return net


def encoder() -> nn.Module:
    """Return the encoder."""
    return _made(Encoder)


def unet() -> nn.Module:
    """Return the U-Net."""
    return _made(UNet)


def thrice() -> nn.Module:
    """Return the network with one ReLU."""
    return _made(Thrice)


def shapes() -> nn.Module:
    """Return the network with control flow on shapes."""
    return _made(Shapes)


def sentences() -> Iterator[Tensor]:
    """Yield random tokens for the encoder."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(4):
        yield torch.randint(0, 200, (8, 32), generator=generator)


def images() -> Iterator[Tensor]:
    """Yield random images for the U-Net."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(4):
        yield torch.randn(4, 3, 32, 32, generator=generator)


def rows() -> Iterator[Tensor]:
    """Yield random rows for the network with one ReLU."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(4):
        yield torch.randn(8, 16, generator=generator)


def wide_images() -> Iterator[Tensor]:
    """Yield random images that are wider than tall."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(4):
        yield torch.randn(4, 3, 16, 24, generator=generator)
