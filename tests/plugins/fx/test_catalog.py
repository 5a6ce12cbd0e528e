"""Operators as modules, functions, methods and aten overloads: each is known under one name."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from tests.plugins.fx.graphs import outlined

W = torch.randn(4, 4)
IMAGE, WIDE, ROWS, IDS = (
    torch.rand(2, 4, 6, 6),
    torch.rand(2, 4, 6),
    torch.rand(2, 3, 4),
    torch.arange(6).view(2, 3) % 4,
)


class Calls(nn.Module):
    """Applies a function to its input and a parameter."""

    def __init__(self, function: Callable[..., Any], weight: Tensor | None) -> None:
        super().__init__()
        self.function = function
        self.weight = nn.Parameter(torch.rand(4, 4) if weight is None else weight)

    def forward(self, x: Tensor) -> Any:
        return self.function(x, self.weight)


def conv(rank: int) -> Tensor:
    return torch.rand(4, 4, *[2] * rank)


KNOWN: list[tuple[str, Callable[..., Any], Tensor, Tensor | None]] = [
    ("linear", F.linear, ROWS, None),
    ("conv1d", F.conv1d, WIDE, conv(1)),
    ("conv2d", F.conv2d, IMAGE, conv(2)),
    ("conv2d", torch.conv2d, IMAGE, conv(2)),
    ("conv3d", F.conv3d, torch.rand(1, 4, 3, 3, 3), conv(3)),
    ("conv_transpose1d", F.conv_transpose1d, WIDE, conv(1)),
    ("conv_transpose2d", F.conv_transpose2d, IMAGE, conv(2)),
    ("conv_transpose3d", F.conv_transpose3d, torch.rand(1, 4, 3, 3, 3), conv(3)),
    ("embedding", F.embedding, IDS, None),
    ("matmul", lambda x, w: x @ w, ROWS, None),
    ("matmul", lambda x, w: x.matmul(w), ROWS, None),
    ("matmul", torch.matmul, ROWS, None),
    ("matmul", torch.linalg.matmul, ROWS, None),
    ("bmm", lambda x, w: torch.bmm(x, x.transpose(1, 2)), ROWS, None),
    ("bmm", lambda x, w: x.bmm(x.mT), ROWS, None),
    ("baddbmm", lambda x, w: torch.baddbmm(x[:, :, :3], x, x.mT), ROWS, None),
    ("einsum", lambda x, w: torch.einsum("nij,jk->nik", x, w), ROWS, None),
    ("add", lambda x, w: x + w[0], ROWS, None),
    ("add", lambda x, w: x.add(w[0]), ROWS, None),
    ("add", lambda x, w: torch.add(x, w[0], alpha=2), ROWS, None),
    ("sub", lambda x, w: x - w[0], ROWS, None),
    ("sub", lambda x, w: 1 - x, ROWS, None),
    ("mul", lambda x, w: x * w[0], ROWS, None),
    ("div", lambda x, w: x / (w[0] + 1), ROWS, None),
    ("cat", lambda x, w: torch.cat([x, x], 1), ROWS, None),
    ("cat", lambda x, w: torch.cat(tensors=(x, x), dim=-1), ROWS, None),
    ("stack", lambda x, w: torch.stack([x, x]), ROWS, None),
    ("softmax", lambda x, w: F.softmax(x, -1), ROWS, None),
    ("softmax", lambda x, w: x.softmax(-1), ROWS, None),
    ("softmax", lambda x, w: torch.softmax(x, -1), ROWS, None),
    ("log_softmax", lambda x, w: F.log_softmax(x, -1), ROWS, None),
    ("layer_norm", lambda x, w: F.layer_norm(x, (4,), w[0], w[1]), ROWS, None),
    ("group_norm", lambda x, w: F.group_norm(x, 2), IMAGE, None),
    ("rms_norm", lambda x, w: F.rms_norm(x, (4,)), ROWS, None),
    ("gelu", lambda x, w: F.gelu(x), ROWS, None),
    ("silu", lambda x, w: F.silu(x), ROWS, None),
    ("prelu", lambda x, w: F.prelu(x, w[0, :1]), ROWS, None),
    ("clamp", lambda x, w: x.clamp(0, 1), ROWS, None),
    ("sigmoid", lambda x, w: x.sigmoid(), ROWS, None),
    ("tanh", lambda x, w: torch.tanh(x), ROWS, None),
    ("avg_pool", lambda x, w: F.avg_pool2d(x, 2), IMAGE, None),
    ("adaptive_avg_pool", lambda x, w: F.adaptive_avg_pool2d(x, 1), IMAGE, None),
    ("mean", lambda x, w: x.mean((2, 3)), IMAGE, None),
    ("sum", lambda x, w: x.sum(-1), ROWS, None),
    ("interpolate", lambda x, w: F.interpolate(x, scale_factor=2, mode="bilinear"), IMAGE, None),
    ("scaled_dot_product_attention", lambda x, w: F.scaled_dot_product_attention(x, x, x), ROWS, None),
]


def types(outline: Any) -> list[str]:
    return [layer.types[-1] for layer in outline.layers if layer.tensors]


@pytest.mark.parametrize("trace", ["symbolic", "export"])
@pytest.mark.parametrize("case", range(len(KNOWN)), ids=[f"{i}-{case[0]}" for i, case in enumerate(KNOWN)])
def test_known(trace: str, case: int) -> None:
    name, function, x, weight = KNOWN[case]
    outline = outlined(Calls(function, weight), x, trace=trace)
    assert name in types(outline)
    assert [layer.unsupported for layer in outline.layers if "not known" in (layer.unsupported or "")] == []


MOVING: list[tuple[Callable[[Tensor], Any], Tensor]] = [
    (lambda x: F.max_pool2d(x, 2), IMAGE),
    (lambda x: F.adaptive_max_pool2d(x, 1), IMAGE),
    (lambda x: F.pad(x, (1, 1)), IMAGE),
    (lambda x: F.pad(x, (1, 1), "reflect"), WIDE),
    (lambda x: F.interpolate(x, scale_factor=2), IMAGE),
    (lambda x: F.interpolate(x, None, 2.0, "nearest"), IMAGE),
    (lambda x: F.interpolate(x, scale_factor=2, mode="nearest-exact"), IMAGE),
    (lambda x: x.chunk(2, 1)[0], IMAGE),
    (lambda x: torch.split(x, [1, 3], 1)[1], IMAGE),
    (lambda x: x.unbind(1)[0], IMAGE),
    (lambda x: x.T, ROWS[0]),
    (lambda x: x.permute(0, 2, 1).contiguous().view(-1), ROWS),
    (lambda x: x.flatten(1).unsqueeze(-1).squeeze(-1).expand(-1, -1), ROWS),
    (lambda x: F.pixel_shuffle(x, 2), IMAGE),
    (lambda x: F.dropout(x, 0.5, training=False), IMAGE),
    (lambda x: x[:, :2], IMAGE),
    (lambda x: x.flip(1).roll(1, 1), IMAGE),
]


@pytest.mark.parametrize("trace", ["symbolic", "export"])
@pytest.mark.parametrize("case", range(len(MOVING)))
def test_moving_operators_are_no_layers_and_carry_a_scale(trace: str, case: int) -> None:
    function, x = MOVING[case]
    outline = outlined(Calls(lambda x, w: function(x * 2).reshape(-1) + 1, None), x, trace=trace)
    assert types(outline) == ["mul", "add"]
    first, last = (layer.tensors for layer in outline.layers if layer.tensors)
    assert last[0].grid == first[-1].value


@pytest.mark.parametrize("trace", ["symbolic", "export"])
def test_what_is_not_known_is_reported(trace: str) -> None:
    outline = outlined(Calls(lambda x, w: torch.cumsum(x + 1, -1) * 2, None), ROWS, trace=trace)
    reasons = {layer.name: layer.unsupported for layer in outline.layers if layer.types == ("cumsum",)}
    assert reasons == {"cumsum": "cumsum is not known to graph mode"}


@pytest.mark.parametrize("trace", ["symbolic", "export"])
def test_a_constant_other_than_zero_is_not_moved(trace: str) -> None:
    outline = outlined(Calls(lambda x, w: F.pad(x * 2, (1, 1), value=3.0) + 1, None), ROWS, trace=trace)
    assert [layer.name for layer in outline.layers if layer.unsupported == "pad is not known to graph mode"] == ["pad"]


def numbers(x: Tensor, w: Tensor) -> Tensor:
    """Adds to sizes, masks, positions and integers."""
    size = x.shape[0] * 2 + x.size(1) - 1
    positions = torch.arange(x.shape[1]) + 1
    mask = (x > 0.5) & (x < 2.0)
    ids = (x * size).long() + 1
    return x.masked_fill(mask, 0.0) + F.embedding(positions % 4, w) + F.embedding(ids.sum(-1) % 4, w)


@pytest.mark.parametrize("trace", ["symbolic", "export"])
def test_numbers_and_integers_stay(trace: str) -> None:
    outline = outlined(Calls(numbers, None), ROWS, trace=trace)
    tensors = {layer.name: [t.name for t in layer.tensors] for layer in outline.layers if layer.tensors}
    adds = [tensors[name] for name in tensors if name.startswith("add")]
    assert adds == [["input", "other", "output"]] * 2
    assert [tensors[name] for name in tensors if name.startswith("mul")] == [["input", "output"]]


def test_integers_are_guessed_without_inputs() -> None:
    net = Calls(lambda x, w: F.embedding(x + 1, w) * (x.shape[0] + 1), None)
    assert [layer.name for layer in outlined(net).layers if layer.tensors] == ["embedding", "mul"]


MODULES: list[tuple[str, nn.Module, Tensor]] = [
    ("linear", nn.Linear(4, 2), ROWS),
    ("conv1d", nn.Conv1d(4, 2, 1), WIDE),
    ("conv2d", nn.Conv2d(4, 2, 1), IMAGE),
    ("conv_transpose2d", nn.ConvTranspose2d(4, 2, 1), IMAGE),
    ("embedding", nn.Embedding(4, 2), IDS),
    ("layer_norm", nn.LayerNorm(4), ROWS),
    ("batch_norm", nn.BatchNorm2d(4), IMAGE),
    ("prelu", nn.PReLU(), IMAGE),
    ("adaptive_avg_pool", nn.AdaptiveAvgPool2d(1), IMAGE),
    ("interpolate", nn.Upsample(scale_factor=2, mode="bilinear"), IMAGE),
    ("softmax", nn.Softmax(-1), ROWS),
]


@pytest.mark.parametrize("trace", ["symbolic", "export"])
@pytest.mark.parametrize("case", range(len(MODULES)), ids=[case[0] for case in MODULES])
def test_modules(trace: str, case: int) -> None:
    name, module, x = MODULES[case]
    net = nn.Sequential(module)
    outline = outlined(net, x, trace=trace)
    [layer] = [layer for layer in outline.layers if layer.tensors]
    assert (layer.name, layer.types[0], layer.types[-1]) == ("0", type(module).__name__, name)
    assert sum(layer.parameters for layer in outline.layers) == sum(p.numel() for p in net.parameters())


def test_unknown_modules_count_their_parameters() -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.GRU(4, 4, batch_first=True))
    layers = outlined(net, ROWS).layers
    assert sum(layer.parameters for layer in layers) == sum(p.numel() for p in net.parameters())
    assert [layer.unsupported for layer in layers if layer.name == "1"] == ["GRU is not known to graph mode"]
