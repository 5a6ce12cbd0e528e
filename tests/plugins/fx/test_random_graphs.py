"""Random networks of known operators quantize, have one quantizer on each edge, and stay near the float network."""

from collections.abc import Callable
from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from tests.plugins.fx.graphs import ALL8, IN8, check_edges, quantized, sqnr
from tests.unit.engine.sample_nets import DYNAMIC, ROWS8

WIDTH = 4
UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "max_pool": lambda x: F.max_pool2d(x, 3, 1, 1),
    "avg_pool": lambda x: F.avg_pool2d(x, 3, 1, 1),
    "transpose": lambda x: x.transpose(2, 3),
    "reshape": lambda x: x.flatten(2).reshape(x.shape),
    "gelu": F.gelu,
    "sigmoid": torch.sigmoid,
    "pad": lambda x: F.pad(x, (1, 1, 1, 1))[:, :, 1:-1, 1:-1],
    "nearest": lambda x: F.max_pool2d(F.interpolate(x, scale_factor=2), 2),
    "dropout": lambda x: F.dropout(x, 0.5, training=False),
    "scaled": lambda x: x * 0.5 + 1,
    "chunks": lambda x: torch.cat(x.chunk(2, 1)[::-1], 1),
    "in_place": lambda x: torch.relu_(x * 2),
}
BINARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": lambda a, b: a + b,
    "sub": torch.sub,
    "mul": lambda a, b: a * b,
    "cat": lambda a, b: torch.cat([a, b], 1)[:, ::2],
    "matmul": lambda a, b: torch.matmul(a, b) / 3,
    "add_relu": lambda a, b: F.relu(a + b),
}
MODULES: dict[str, Callable[[], nn.Module]] = {
    "conv": lambda: nn.Conv2d(WIDTH, WIDTH, 3, padding=1),
    "conv_norm_relu": lambda: nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 1), nn.BatchNorm2d(WIDTH), nn.ReLU(inplace=True)),
    "up": lambda: nn.ConvTranspose2d(WIDTH, WIDTH, 3, padding=1),
}
Step = tuple[str, int, int]


class Random(nn.Module):
    """Each step reads one or two of the values before it."""

    def __init__(self, steps: list[Step]) -> None:
        super().__init__()
        self.steps = steps
        self.layers = nn.ModuleList([MODULES[name]() for name, _, _ in steps if name in MODULES])

    def forward(self, x: Tensor) -> Tensor:
        values, layers = [x], iter(self.layers)
        for name, first, second in self.steps:
            a, b = values[first % len(values)], values[second % len(values)]
            if name in UNARY:
                values.append(UNARY[name](a))
            else:
                values.append(BINARY[name](a, b) if name in BINARY else next(layers)(a))
        return values[-1]


STEPS = st.lists(
    st.tuples(st.sampled_from([*UNARY, *BINARY, *MODULES]), st.integers(0, 9), st.integers(0, 9)),
    min_size=1,
    max_size=9,
)
RULES: list[dict[str, Any]] = [IN8, ALL8, {"weight": ROWS8, "output": DYNAMIC, "input": DYNAMIC}]


@settings(max_examples=60, deadline=None)
@given(STEPS, st.sampled_from(RULES), st.sampled_from(["symbolic", "export"]), st.sampled_from(["arithmetic", "all"]))
def test_random_graphs(steps: list[Step], rules: dict[str, Any], trace: str, reach: str) -> None:
    torch.manual_seed(len(steps))
    net = Random([*steps, ("conv", -1, 0)]).eval()
    x = torch.randn(2, WIDTH, 6, 6)
    final = quantized(net, x, options={"trace": trace, "operators": reach}, **rules).model
    check_edges(final)
    assert sqnr(net(x), final(x)) > 15
