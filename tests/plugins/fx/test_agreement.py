"""On networks of modules only, graph mode and eager mode give the same bits, for every number format."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from quark_core.engine.quantizer import quantizers
from tests.unit.engine.sample_nets import run

FORMATS: dict[str, dict[str, Any]] = {
    "int8": {"dtype": "int8"},
    "uint8": {"dtype": "uint8", "symmetric": False},
    "int4": {"dtype": "int4"},
    "uint4": {"dtype": "uint4", "symmetric": False},
    "bfloat16": {"dtype": "bfloat16"},
    "float16": {"dtype": "float16"},
    "fp8_e4m3": {"dtype": "fp8_e4m3"},
    "mx": {"dtype": "mx"},
    "dynamic": {"dtype": "int8", "is_dynamic": True},
    "rows": {"dtype": "int8", "qscheme": "per_channel"},
}


class Tokens(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(12, 32)
        self.attention = nn.MultiheadAttention(32, 2, batch_first=True)
        self.after = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.LayerNorm(64), nn.Linear(64, 5))

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens)
        x = self.attention(x, x, x)[0]
        result: Tensor = self.after(x)
        return result


def images() -> nn.Module:
    norm = nn.BatchNorm2d(32)
    norm.running_mean, norm.running_var = torch.randn(32), torch.rand(32) + 0.5
    first = nn.Sequential(nn.Conv2d(32, 32, 3), norm, nn.ReLU(), nn.MaxPool2d(2))
    second = nn.Sequential(nn.ConvTranspose2d(32, 64, 2, stride=2), nn.GELU(), nn.AdaptiveAvgPool2d(2), nn.Dropout())
    return nn.Sequential(first, second, nn.Flatten(), nn.Linear(256, 10))


def sounds() -> nn.Module:
    return nn.Sequential(nn.Conv1d(32, 32, 3), nn.BatchNorm1d(32), nn.Tanh(), nn.Conv1d(32, 8, 1))


NETS: dict[str, tuple[Any, Tensor]] = {
    "tokens": (Tokens, torch.arange(20).reshape(4, 5) % 12),
    "images": (images, torch.rand(2, 32, 10, 10)),
    "sounds": (sounds, torch.rand(2, 32, 12)),
}


@pytest.mark.parametrize("dtype", list(FORMATS))
@pytest.mark.parametrize("name", list(NETS))
def test_the_same_bits(name: str, dtype: str) -> None:
    torch.manual_seed(5)
    made, x = NETS[name]
    net = made().eval()
    rule = FORMATS[dtype]
    unfolded = {"name": "fx_graph_mode", "fold_batch_norm": False}
    weight = {key: value for key, value in rule.items() if key != "is_dynamic"}
    eager, graph = (run(net, x, mode=mode, weight=weight, input=rule) for mode in ("eager_mode", unfolded))
    assert torch.equal(eager.model(x), graph.model(x))
    assert {q.key for q in quantizers(eager.model)} >= {q.key for q in quantizers(graph.model)}
    assert not torch.equal(net(x), graph.model(x))
