"""Networks, configs and hand-made arithmetic that the tests of the engine share; classes stand here to be picklable."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from quark_core.config.models import QuantConfig
from quark_core.engine.pipeline import quantize
from quark_core.engine.result import Result

torch.set_num_threads(1)

INT8 = {"dtype": "int8"}
ROWS8 = {"dtype": "int8", "qscheme": "per_channel"}
DYNAMIC = {"dtype": "int8", "is_dynamic": True}


def config(**parts: Any) -> QuantConfig:
    """Return a config."""
    return QuantConfig.model_validate(parts)


def run(model: nn.Module, *batches: Any, **parts: Any) -> Result:
    """Quantize ``model`` in one call; without batches there is no calibration."""
    return quantize(model, config(**parts), calibration=list(batches) or None, progress=False)


def grid8(x: Tensor, axis: int | None = None) -> Tensor:
    """Return ``x`` on a symmetric int8 grid: one scale, or one for each slice of ``axis``; plain torch only."""
    others = [i for i in range(x.dim()) if axis is None or i != axis % x.dim()]
    amax = x.detach().float().abs().amax(others, keepdim=True) if others else x.detach().float().abs()
    scale = (amax.double() / 127).float()
    scale[scale == 0] = 1.0
    return ((x.detach().float() / scale).round().clamp(-128, 127) * scale).to(x.dtype)


class MyLinear(nn.Linear):
    """Computes with its weight by itself."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name of torch
        """Return twice the projection."""
        return functional.linear(input, self.weight * 2, self.bias)


class PadConv(nn.Conv2d):
    """Pads by itself, as some networks with uneven strides do."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution of the padded image."""
        return functional.conv2d(functional.pad(x, (0, 1, 0, 1)), self.weight, self.bias, self.stride)


class ResidualAttention(nn.MultiheadAttention):
    """Adds its query to what it computes."""

    def forward(self, *args: Any, **rest: Any) -> Any:
        """Return the sum and the weights."""
        out, weights = super().forward(*args, **rest)
        return out + args[0], weights


class MyEmbedding(nn.Embedding):
    """Scales what it looks up."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name of torch
        """Return scaled rows."""
        return super().forward(input) * 3.0


class Tied(nn.Module):
    """An embedding and a head with one weight; the head is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(12, 8)
        self.head = nn.Linear(8, 12)
        self.head.weight = self.embed.weight

    def forward(self, tokens: Tensor) -> Tensor:
        """Return scores."""
        x = self.embed(tokens)
        return torch.cat((self.head(x), self.head(x / 2)))


class Attend(nn.Module):
    """Self attention between two linear layers."""

    def __init__(self, attention: nn.Module | None = None) -> None:
        super().__init__()
        self.before = nn.Linear(8, 8)
        self.attention = attention or nn.MultiheadAttention(8, 2, batch_first=True)
        self.after = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Return three values for each position."""
        x = self.before(x)
        result: Tensor = self.after(self.attention(x, x, x)[0])
        return result


class Functional(nn.Module):
    """Multiplies without modules."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 6)
        self.weight = nn.Parameter(torch.randn(6, 6))

    def forward(self, x: Tensor) -> Tensor:
        """Return products."""
        x = functional.linear(self.fc(x), self.weight)
        return torch.matmul(x, self.weight) + x.matmul(self.weight) + x @ self.weight


class Branching(nn.Module):
    """Decides by its values, so it cannot be traced; only one of its layers is ever reached."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Linear(6, 6)
        self.down = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        """Return one of two projections."""
        result: Tensor = self.up(x) if x.abs().sum() >= 0 else self.down(x)
        return result


def mlp() -> nn.Sequential:
    """Return two linear layers."""
    torch.manual_seed(7)
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 4))


def convnet() -> nn.Sequential:
    """Return a small convolutional network with a normalization whose buffers are not trivial."""
    torch.manual_seed(8)
    norm = nn.BatchNorm2d(8)
    norm.running_mean, norm.running_var = torch.rand(8), torch.rand(8) + 0.5
    return nn.Sequential(PadConv(3, 8, 3, stride=2), norm, nn.ReLU(), nn.Flatten(), MyLinear(8 * 16, 5))


def images() -> Tensor:
    """Return a batch for ``convnet``."""
    torch.manual_seed(9)
    return torch.randn(4, 3, 8, 8)
