"""Whatever moves, picks or joins values does so with integers, and gives the codes of the quantized model."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from quark_core.engine.marks import note
from tests.plugins.ipu.nets import executor, graph, proved, xint8

X = torch.randn(2, 4, 6, 6, generator=torch.Generator().manual_seed(0))
Move = Callable[[Tensor], Tensor]

MOVES: dict[str, Move] = {
    "max_pool": lambda x: functional.max_pool2d(x, 3, 2, 1, ceil_mode=True),
    "max_pool1d": lambda x: functional.max_pool1d(x.flatten(2), 3, 2, 1),
    "max_pool3d": lambda x: functional.max_pool3d(x.unsqueeze(1), 2),
    "adaptive_max_pool": lambda x: functional.adaptive_max_pool2d(x, (3, 2)),
    "nearest": lambda x: functional.interpolate(x, scale_factor=2),
    "nearest_exact": lambda x: functional.interpolate(x, size=(9, 4), mode="nearest-exact"),
    "nearest1d": lambda x: functional.interpolate(x.flatten(2), scale_factor=2),
    "pad": lambda x: functional.pad(x, (1, 2, 0, 1)),
    "circular": lambda x: functional.pad(x, (1, 1, 0, 1), mode="circular"),
    "flip": lambda x: x.flip(1).roll(1, 2),
    "chunks": lambda x: torch.cat(x.chunk(2, 1)[::-1], 1),
    "split": lambda x: torch.cat(torch.split(x, 1, 1), 2),
    "stack": lambda x: torch.stack([x, x * 2], 1),
    "permute": lambda x: x.permute(0, 2, 3, 1).contiguous().view(x.size(0), -1),
    "shape": lambda x: x.reshape(x.shape[0], -1),
    "turned": lambda x: x.flatten(2).mT,
    "repeat": lambda x: x.repeat(1, 2, 1, 1),
    "expand": lambda x: x[:, :1].expand(-1, 4, -1, -1),
    "select": lambda x: x.select(1, 0).narrow(1, 0, 2),
    "unbind": lambda x: x.unbind(1)[0],
    "unfold": lambda x: x.unfold(2, 2, 1),
    "index_select": lambda x: x.index_select(1, torch.tensor([0, 2])),
    "view_as": lambda x: x.flatten(2).view_as(x),
    "float": lambda x: x.float().to(torch.float32),
    "relu": lambda x: functional.relu(-1 * x),
}
MODULES: dict[str, Callable[[], nn.Module]] = {
    "max_pool": lambda: nn.MaxPool2d(2),
    "adaptive": lambda: nn.AdaptiveMaxPool2d((3, None)),
    "upsample": lambda: nn.Upsample(scale_factor=2),
    "nearest": lambda: nn.UpsamplingNearest2d(scale_factor=2),
    "reflection": lambda: nn.ReflectionPad2d(1),
    "replication": lambda: nn.ReplicationPad2d(1),
    "zeros": lambda: nn.ZeroPad2d((1, 0, 2, 1)),
    "shuffle": lambda: nn.PixelShuffle(2),
    "unshuffle": lambda: nn.PixelUnshuffle(2),
    "channels": lambda: nn.ChannelShuffle(2),
    "flatten": nn.Flatten,
    "relu": nn.ReLU,
}


class Moved(nn.Module):
    """A layer, and what moves its result."""

    def __init__(self, move: Move) -> None:
        super().__init__()
        self.layer, self.move = nn.Conv2d(4, 4, 1), move

    def forward(self, x: Tensor) -> Tensor:
        return self.move(self.layer(x))


def check(move: Move, how: str, *, whole: bool = True) -> None:
    torch.manual_seed(0)
    result = xint8(Moved(move), X, mode={"name": "fx_graph_mode", "trace": how})
    run = executor(result)
    assert proved(result, X).holds
    assert torch.equal(run(X), result.model(X))
    floating = [n.name for n in graph(result).graph.nodes if note(n) and n not in run.program.steps]
    known = ("getitem", "detach")
    assert not whole or [name for name in floating if not name.startswith(known)] == []


@pytest.mark.parametrize("how", ["symbolic", "export"])
@pytest.mark.parametrize("name", MOVES)
def test_functions(name: str, how: str) -> None:
    check(MOVES[name], how)


@pytest.mark.parametrize("how", ["symbolic", "export"])
@pytest.mark.parametrize("name", MODULES)
def test_modules(name: str, how: str) -> None:
    check(MODULES[name](), how)


@pytest.mark.parametrize(
    "move",
    [
        lambda x: functional.max_pool2d(x, 2, return_indices=True)[0],
        lambda x: functional.adaptive_max_pool2d(x, 2, return_indices=True)[0],
        lambda x: x.masked_fill(x > 0, 0.0),
    ],
)
def test_what_is_no_move_of_codes_runs_in_floating_point(move: Move) -> None:
    check(move, "symbolic", whole=False)


def test_sums_move_too() -> None:
    """Without output quantizers it is sums that move, until the next layer quantizes them."""
    from tests.plugins.ipu.nets import rules
    from tests.unit.engine.sample_nets import run

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            x = functional.interpolate(functional.relu(self.first(x)), scale_factor=2)
            result: Tensor = self.last(functional.max_pool2d(x, 3).flip(1))
            return result

    parts = {name: each for name, each in rules().items() if name != "output"}
    for how in ("symbolic", "export"):
        torch.manual_seed(0)
        mode = {"name": "fx_graph_mode", "trace": how}
        result = run(Net().eval(), X, mode=mode, device="IPU", **parts)
        assert proved(result, X).holds
        assert {path.path for path in executor(result).layer_paths.values()} == {"integer"}
