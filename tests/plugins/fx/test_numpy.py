"""A converted graph against plain numpy, from the codes and scales of the saved folder alone, bit for bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file
from torch import Tensor, nn

from quark_core.engine.quantizer import Quantizer, quantizers
from tests.plugins.fx.graphs import quantized

Array = NDArray[Any]
TIE = 1e-4


class Small(nn.Module):
    """Convolution, norm, ReLU, pool, residual addition, linear."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.pool, self.next = nn.MaxPool2d(2), nn.Conv2d(4, 4, 1)
        self.fc = nn.Linear(4 * 9, 5)
        self.norm.running_mean, self.norm.running_var = torch.randn(4), torch.rand(4) + 0.5

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(torch.relu(self.norm(self.conv(x))))
        x = torch.relu(self.next(x) + x)
        result: Tensor = self.fc(x.flatten(1))
        return result


class Saved:
    """Dequantizes by itself what a folder holds."""

    def __init__(self, folder: Path) -> None:
        self._entries: dict[str, Array] = load_file(folder / "model.safetensors")

    def value(self, name: str) -> Array:
        found: Array = self._entries[f"float/{name}"].astype(np.float64)
        return found

    def weight(self, key: str, shape: tuple[int, ...], *, unsigned: bool) -> Array:
        codes = self._entries[f"quantized/{key}/codes"].view(np.uint8 if unsigned else np.int8).reshape(shape)
        scale, zero = self.grid(key)
        return ((codes.astype(np.float32) - zero) * scale).astype(np.float64)

    def grid(self, key: str) -> tuple[np.float32, np.float32]:
        scale = self._entries[f"quantized/{key}/scale"].astype(np.float32)
        zero = self._entries.get(f"quantized/{key}/zero_point", np.zeros(1))
        assert scale.shape == (1,)
        return scale[0], np.float32(zero[0])


def quantize(x: Array, scale: np.float32, zero: np.float32, *, unsigned: bool) -> tuple[Array, Array, Array]:
    """Return codes, values, and how far each is from a tie."""
    low, high = (0, 255) if unsigned else (-128, 127)
    exact = x / np.float64(scale)
    codes = np.clip(np.rint(exact) + zero, low, high)
    tie = np.abs(np.abs(exact - np.floor(exact)) - 0.5)
    return codes, ((codes - zero).astype(np.float32) * scale).astype(np.float64), tie


def convolve(x: Array, weight: Array, bias: Array, padding: int) -> Array:
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], (2, 3))
    sums: Array = np.einsum("nchwij,ocij->nohw", windows, weight) + bias[:, None, None]
    return sums


def expected(saved: Saved, x: Array, *, unsigned: bool) -> dict[str, tuple[Array, Array]]:
    """Return codes and distances to ties at every quantizer of the graph."""
    found: dict[str, tuple[Array, Array]] = {}

    def at(key: str, value: Array) -> Array:
        codes, values, tie = quantize(value, *saved.grid(key), unsigned=unsigned)
        found[key] = codes, tie
        return values

    def weight(key: str, *shape: int) -> Array:
        return saved.weight(key, shape, unsigned=unsigned)

    x = at("conv.input", x)
    x = np.maximum(convolve(x, weight("conv.weight", 4, 2, 3, 3), saved.value("conv.bias"), 1), 0)
    x = at("conv.output", x)
    x = x.reshape(*x.shape[:2], 3, 2, 3, 2).max((3, 5))
    y = at("next.output", convolve(x, weight("next.weight", 4, 4, 1, 1), saved.value("next.bias"), 0))
    x = at("add.output", np.maximum(y + x, 0))
    at("fc.output", x.reshape(x.shape[0], -1) @ weight("fc.weight", 5, 36).T + saved.value("fc.bias"))
    return found


def engine_codes(model: nn.Module, x: Tensor) -> dict[str, Array]:
    """Return what the quantizers of a model gave, as codes."""
    seen: dict[str, Array] = {}

    def keep(module: nn.Module, _args: Any, out: Tensor) -> None:
        assert isinstance(module, Quantizer)
        assert module.scale is not None
        assert module.zero_point is not None
        seen[module.key] = (out / module.scale + module.zero_point).round().detach().numpy().astype(np.float64)

    for quantizer in quantizers(model):
        quantizer.register_forward_hook(keep)
    model(x)
    return seen


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_every_code(dtype: str, tmp_path: Path) -> None:
    torch.manual_seed(11)
    rule = {"dtype": dtype, "symmetric": dtype == "int8"}
    net, x = Small().eval(), torch.randn(3, 2, 6, 6)
    result = quantized(net, x, weight=rule, input=rule, output=rule)
    result.save(tmp_path / "saved")
    numbers = expected(Saved(tmp_path / "saved"), x.numpy().astype(np.float64), unsigned=dtype == "uint8")
    codes = engine_codes(result.model, x)
    assert codes.keys() == numbers.keys()
    for key, (own, tie) in numbers.items():
        clear = tie > TIE
        assert clear.mean() > 0.99
        assert np.array_equal(codes[key][clear], own[clear]), key
