"""Random networks: all constraints hold after adjusting, and every code is that of the fake-quantized model."""

from collections.abc import Callable
from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from quark_core.errors import DeviceError
from tests.plugins.ipu.constraints import broken
from tests.plugins.ipu.nets import graph, proved, rules
from tests.unit.engine.sample_nets import run

WIDTH = 4
UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "relu6": F.relu6,
    "leaky": lambda x: F.leaky_relu(x, 0.1),
    "silu": F.silu,
    "hardswish": F.hardswish,
    "sigmoid": torch.sigmoid,
    "max_pool": lambda x: F.max_pool2d(x, 3, 1, 1),
    "avg_pool": lambda x: F.avg_pool2d(x, 3, 1, 1),
    "transpose": lambda x: x.transpose(2, 3),
    "reshape": lambda x: x.flatten(2).reshape(x.shape),
    "pad": lambda x: F.pad(x, (1, 1, 1, 1))[:, :, 1:-1, 1:-1],
    "nearest": lambda x: F.max_pool2d(F.interpolate(x, scale_factor=2), 2),
    "scaled": lambda x: x * 0.5 + 1,
    "large": lambda x: x * 100,
    "centred": lambda x: x - x.mean((2, 3), keepdim=True),
    "chunks": lambda x: torch.cat(x.chunk(2, 1)[::-1], 1),
    "gelu": F.gelu,
    "tenth": lambda x: x * 0.1,
}
BINARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "cat": lambda a, b: torch.cat([a, b], 1)[:, ::2],
    "matmul": torch.matmul,
    "add_relu": lambda a, b: F.relu(a + b),
}
MODULES: dict[str, Callable[[], nn.Module]] = {
    "conv": lambda: nn.Conv2d(WIDTH, WIDTH, 3, padding=1),
    "conv_norm_relu": lambda: nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 1), nn.BatchNorm2d(WIDTH), nn.ReLU(inplace=True)),
    "up": lambda: nn.ConvTranspose2d(WIDTH, WIDTH, 3, padding=1),
    "depthwise": lambda: nn.Conv2d(WIDTH, WIDTH, 3, padding="same", groups=WIDTH),
}
Step = tuple[str, int, int]


class Random(nn.Module):
    """Each step reads one or two of the values before it; ``gains`` scale the weights by powers of two."""

    def __init__(self, steps: list[Step], gain: int) -> None:
        super().__init__()
        self.steps = steps
        self.layers = nn.ModuleList([MODULES[name]() for name, _, _ in steps if name in MODULES])
        for index, parameter in enumerate(self.parameters()):
            parameter.data *= 2.0 ** (gain * (index % 3 - 1))

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


MODES = st.fixed_dictionaries(
    {
        "name": st.just("fx_graph_mode"),
        "trace": st.sampled_from(["symbolic", "export"]),
        "operators": st.sampled_from(["arithmetic", "all"]),
    }
)
METHODS = st.sampled_from(["round", "floor", "half_even"])


@settings(max_examples=30, deadline=None)
@given(STEPS, st.integers(-7, 7), METHODS, MODES, st.booleans())
def test_random_graphs(steps: list[Step], gain: int, method: str, mode: dict[str, str], outputs: bool) -> None:
    torch.manual_seed(len(steps))
    net, x = Random([*steps, ("conv", -1, 0)], gain).eval(), torch.randn(2, WIDTH, 6, 6)
    parts: dict[str, Any] = {name: each for name, each in rules(method).items() if outputs or name != "output"}
    try:
        result = run(net, x, mode=mode, device="IPU", **parts)
    except DeviceError as error:
        # Hard sigmoids have a least position, which the ranges before them may forbid.
        if "no positions fit the IPU's shifts" not in str(error) or "hardsigmoid" not in str(error):
            raise
        return
    assert broken(graph(result)) == []
    assert proved(result, x).differing == ()
