"""Networks for the IPU's tests, and a short way to quantize them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from quark_core.engine.result import Result
from quark_ipu import IpuOptions
from quark_ipu.device import Ipu
from quark_ipu.executor import Executor
from quark_ipu.proof import Proof, prove
from tests.unit.engine.sample_nets import run

POF2 = {"dtype": "int8", "scale_type": "pof2"}


def rules(method: str = "half_even", activations: str = "int8", **observer: Any) -> dict[str, Any]:
    """Return what a config says of the four roles."""
    stored = {**POF2, "round_method": method}
    moving = {**stored, "dtype": activations, **observer}
    return {"weight": stored, "bias": stored, "input": moving, "output": moving}


def xint8(model: nn.Module, *batches: Any, **parts: Any) -> Result:
    """Quantize ``model`` for the IPU in graph mode."""
    given = {"mode": "fx_graph_mode", "device": "IPU", **rules(), **parts}
    return run(model.eval(), *batches, **given)


def graph(result: Result) -> fx.GraphModule:
    """Return the graph of the quantized model."""
    assert isinstance(result.model, fx.GraphModule)
    return result.model


def executor(result: Result) -> Executor:
    """Return the integer executor of the quantized model."""
    return Ipu(IpuOptions()).executor(result.model)


def proved(result: Result, *inputs: Any) -> Proof:
    """Compare the quantized model with its executor."""
    return prove(graph(result), executor(result), *inputs)


def floats(result: Result) -> dict[str, str]:
    """Return the layers that the executor computes in floating point, and why."""
    return {name: path.why for name, path in executor(result).layer_paths.items() if path.path == "float"}


class Residual(nn.Module):
    """Every operator that the IPU has, with residual sums and a concatenation; input ``[batch, 3, 8, 8]``."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.SiLU())
        self.down, self.leaky = nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=2), nn.LeakyReLU(0.1)
        self.depth, self.swish = nn.Conv2d(8, 8, 3, padding="same", groups=8), nn.Hardswish()
        self.pool, self.clip = nn.AvgPool2d(3, 1, 1), nn.ReLU6()
        self.up = nn.ConvTranspose2d(16, 6, 3, stride=2, padding=1, output_padding=1, groups=2)
        self.squeeze, self.gate = nn.AdaptiveAvgPool2d(1), nn.Sigmoid()
        self.head = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.leaky(self.down(self.stem(x)))
        x = x + self.swish(self.depth(x))
        again = F.interpolate(F.max_pool2d(self.clip(x), 2), scale_factor=2)
        x = self.up(torch.cat([self.pool(x), again], 1))
        x = x * self.gate(self.squeeze(x)) - 0.5
        logits: Tensor = self.head(F.avg_pool2d(x, 2).mean((2, 3)))
        return logits


class Wild(nn.Module):
    """Sums and products of tensors whose ranges are far apart; ``gains``: of the layers, by powers of two."""

    def __init__(self, gains: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(4, 4, 1) for _ in gains)
        for layer, gain in zip(self.layers, gains, strict=True):
            assert isinstance(layer, nn.Conv2d)
            assert layer.bias is not None
            layer.weight.data *= 2.0**gain
            layer.bias.data *= 2.0 ** (gain // 2)

    def forward(self, x: Tensor) -> Tensor:
        values: list[Tensor] = [layer(x) for layer in self.layers]
        total = values[0]
        for index, value in enumerate(values[1:]):
            total = (torch.add, torch.mul, torch.sub)[index % 3](total, value)
        return total
