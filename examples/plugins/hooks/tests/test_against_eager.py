"""Eager mode is an independent implementation: what both can do must come out bit for bit the same."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from quark_core import QuantConfig, Result, quantize

INT8: dict[str, Any] = {"weight": {"dtype": "int8", "qscheme": "per_channel"}, "input": {"dtype": "int8"}}
CONFIGS: dict[str, dict[str, Any]] = {
    "int8": INT8,
    "everything": {**INT8, "output": {"dtype": "uint8", "symmetric": False}, "bias": {"dtype": "int8"}},
    "dynamic": {"weight": {"dtype": "fp8_e4m3"}, "input": {"dtype": "int8", "is_dynamic": True}},
    "blocks": {"weight": {"dtype": "int4", "qscheme": "per_group", "group_size": 4}, "input": {"dtype": "bfloat16"}},
    "weights": {"weight": {"dtype": "int4", "qscheme": "per_channel"}},
}


class Twice(nn.Module):
    """Calls one layer twice, and one by a name."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(8, 8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.two(input=self.one(self.one(x)).relu())
        return y


class Shifted(nn.Linear):
    """Computes more than a linear layer."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # as in torch.nn.Linear
        return super().forward(input * 2) + 1


class Pair(nn.Module):
    """A layer of two inputs, from two arguments of the model."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.both = nn.Linear(8, 8), nn.Bilinear(8, 4, 4)

    def forward(self, x: Tensor, *, y: Tensor) -> Tensor:
        z: Tensor = self.both(self.first(x), input2=y)
        return z


class Tied(nn.Module):
    """An embedding and a projection with one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(12, 8), nn.Linear(8, 12, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens: Tensor) -> Tensor:
        scores: Tensor = self.head(self.embed(tokens))
        return scores


def _hooked() -> nn.Module:
    """Return a layer that has hooks of its own, before and behind it."""
    net = nn.Sequential(nn.Linear(8, 4))
    net[0].register_forward_pre_hook(lambda _module, args: (args[0] * 3,))
    net[0].register_forward_hook(lambda _module, _args, output: output.sin())
    return net


def _convolutions() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(4, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.ConvTranspose2d(8, 4, 2), nn.Flatten(1, 2)
    )


NETS: dict[str, tuple[Callable[[], nn.Module], Callable[[], Any]]] = {
    "linear": (lambda: nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4)), lambda: torch.randn(5, 8)),
    "root": (lambda: nn.Linear(8, 4), lambda: torch.randn(5, 8)),
    "convolutions": (_convolutions, lambda: torch.randn(2, 4, 6, 7)),
    "twice": (Twice, lambda: torch.randn(5, 8)),
    "own forward": (lambda: nn.Sequential(Shifted(8, 8), nn.Linear(8, 4)), lambda: torch.randn(2, 3, 8)),
    "own hooks": (_hooked, lambda: torch.randn(5, 8)),
    "two inputs": (Pair, lambda: {"x": torch.randn(5, 8), "y": torch.randn(5, 4)}),
    "tied": (Tied, lambda: torch.arange(24).reshape(2, 12) % 12),
}


def result(mode: str, model: nn.Module, batches: list[Any], *, lower: bool = False, **fields: Any) -> Result:
    config = QuantConfig.model_validate({"mode": mode, **fields})
    return quantize(model, config, calibration=batches, progress=False, lower=lower)


def outputs(model: nn.Module, batch: Any) -> Tensor:
    found: Tensor = model(**batch) if isinstance(batch, dict) else model(batch)
    return found.detach()


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("net", NETS)
def test_models_reports_and_states_are_equal_bit_for_bit(net: str, config: str) -> None:
    torch.manual_seed(3)
    made, batch = NETS[net]
    model, batches = made().eval(), [batch(), batch()]
    eager, ours = (result(mode, model, batches, **CONFIGS[config]) for mode in ("eager_mode", "hooks.hook_mode"))
    expected = outputs(eager.model, batches[0])
    assert torch.equal(outputs(ours.model, batches[0]), expected)
    assert not torch.equal(outputs(model, batches[0]), expected)
    assert ours.report.tensors == eager.report.tensors
    assert ours.report.layers == eager.report.layers
    assert ours.report.coverage == eager.report.coverage
    assert ours.report.stored_bytes == eager.report.stored_bytes
    assert ours.report.output_sqnr_db == eager.report.output_sqnr_db
    before, after = eager.model.state_dict(), ours.model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_both_keep_what_stays_float_for_the_same_reasons() -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), nn.utils.parametrizations.weight_norm(nn.Linear(8, 4)))
    x = torch.randn(5, 8)
    eager, ours = (result(mode, model, [x], **INT8) for mode in ("eager_mode", "hooks.hook_mode"))
    assert ours.report.left_float == eager.report.left_float
    assert len(ours.report.left_float) > 1


@pytest.mark.parametrize("norm_first", [False, True])
def test_transformers_with_quantized_weights(norm_first: bool) -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=norm_first)
    model, x = nn.TransformerEncoder(layer, 2, enable_nested_tensor=not norm_first).eval(), torch.randn(3, 5, 8)
    eager, ours = (result(mode, model, [x], **CONFIGS["weights"]) for mode in ("eager_mode", "hooks.hook_mode"))
    assert ours.report.tensors == eager.report.tensors
    for name, value in eager.model.state_dict().items():
        assert torch.equal(ours.model.state_dict()[name], value)
    # Eager mode calls the projection of an attention, which PyTorch does not: the same sums in another order.
    with torch.no_grad():
        torch.testing.assert_close(ours.model(x), eager.model(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("config", ["int8", "everything", "weights"])
@pytest.mark.parametrize("net", ["linear", "convolutions", "twice", "own forward", "tied"])
def test_what_the_cpu_lowers_is_the_same(net: str, config: str) -> None:
    torch.manual_seed(3)
    made, batch = NETS[net]
    model, batches = made().eval(), [batch()]
    eager, ours = (
        result(mode, model, batches, lower=True, device="CPU", **CONFIGS[config])
        for mode in ("eager_mode", "hooks.hook_mode")
    )
    assert ours.lowered is not None
    assert eager.lowered is not None
    assert torch.equal(outputs(ours.lowered, batches[0]), outputs(eager.lowered, batches[0]))
    assert ours.report.layers == eager.report.layers


def test_training_on_the_grid_is_the_same() -> None:
    from quark_core.functional import frozen, trainable

    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 4)), torch.randn(16, 8)
    trained = []
    for mode in ("eager_mode", "hooks.hook_mode"):
        made = trainable(copy.deepcopy(result(mode, model, [x], **INT8).model))
        optimizer = torch.optim.SGD(made.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            made(x).square().sum().backward()
            optimizer.step()
        trained.append(outputs(frozen(made), x))
    assert torch.equal(trained[1], trained[0])
    assert not torch.equal(trained[0], outputs(result("eager_mode", model, [x], **INT8).model, x))
