"""Traces: what comes whole, what falls back to torch.export, and what is said when both fail."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from quark_core.engine.quantizer import quantizers
from quark_core.errors import ModelError
from tests.plugins.fx.graphs import IN8, graph_of, labels, outlined, quantized
from tests.unit.engine.sample_nets import Branching


class ByShape(nn.Module):
    """Control flow on a shape, which torch.fx cannot follow."""

    shift: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 6)
        self.register_buffer("shift", torch.randn(6))

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] > 3:
            x = x + self.shift
        result: Tensor = self.fc(x).reshape(x.shape[0], -1)
        return result


class Optional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 6)

    def forward(self, x: Tensor, bias: Tensor | None = None, scale: float = 2.0, flag: bool = False) -> Tensor:
        y: Tensor = self.fc(x)
        if bias is not None:
            y = y + bias
        return y.sigmoid() if flag else y * scale


class Holder(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.head = nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.head(self.inner(x))
        return result


class Broken(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        raise KeyError("no such thing")


X = torch.randn(4, 6)


def test_export_takes_over_and_other_batches_run() -> None:
    net = ByShape()
    final = quantized(net, X, **IN8).model
    more = X[torch.arange(9) % 4]
    assert "aten" in str(final.code)
    assert (final(more) - net(more)).abs().max() < 0.2
    # Close, not equal: matrix products may add in another order for another number of rows.
    torch.testing.assert_close(final(more[:3]), final(more)[:3], rtol=1e-5, atol=1e-6)


def test_a_batch_of_one_leaves_the_batch_open() -> None:
    final = quantized(ByShape(), X[:1], **IN8).model
    assert final(X).shape == (4, 6)


class Positions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.where = nn.Embedding(10, 6), nn.Embedding(5, 6)
        self.fc = nn.Linear(6, 6)

    def forward(self, tokens: Tensor, positions: Tensor) -> Tensor:
        if tokens.shape[1] > 2:
            tokens = tokens + 1
        result: Tensor = self.fc(self.embed(tokens) + self.where(positions))
        return result


def test_an_input_that_broadcasts_stays_one() -> None:
    batch = (torch.randint(9, (4, 5)), torch.arange(5)[None])
    final = quantized(Positions(), batch, **IN8).model
    assert final(batch[0][:3], batch[1]).shape == (3, 5, 6)
    assert {q.key for q in quantizers(final) if q.tensor.role == "input"} == {"fc.input", "add_2.input", "add_2.other"}


def test_arguments_by_name() -> None:
    net, batch = Optional(), {"x": X, "bias": torch.ones(6)}
    final = quantized(net, batch, **IN8).model
    assert (final(**batch) - net(**batch)).abs().max() < 0.2


@pytest.mark.parametrize("trace", ["symbolic", "export"])
@pytest.mark.parametrize("given", [{}, {"flag": True}, {"bias": torch.ones(6)}, {"bias": None, "scale": 3.0}])
def test_arguments_with_defaults(trace: str, given: dict[str, Any]) -> None:
    net, batch = Optional(), {"x": X, **given}
    final = quantized(net, batch, options={"trace": trace}, **IN8).model
    assert (final(**batch) - net(**batch)).abs().max() < 0.2


def test_defaults_without_inputs() -> None:
    assert labels(graph_of(Optional()))[-2:] == ["Linear", "mul"]


def test_leaves_by_path_and_class() -> None:
    for leaf in ("inner", "Branching"):
        final = quantized(Holder(Branching()), X, options={"leaves": [leaf]}, weight=IN8["weight"]).model
        assert isinstance(final.get_submodule("inner"), Branching)
        assert {q.key for q in quantizers(final)} == {"inner.up.weight", "inner.down.weight", "head.weight"}


def test_the_error_names_call_module_and_remedies() -> None:
    with pytest.raises(ModelError) as caught:
        outlined(Holder(Branching()), X)
    text = str(caught.value)
    assert text.count("inside 'inner' at sample_nets.py:") == 2
    assert "`result: Tensor = self.up(x) if x.abs().sum() >= 0 else self.down(x)`" in text
    for word in ("torch.fx stopped", "torch.export stopped", "leaves:", "eager_mode"):
        assert word in text


def test_without_inputs_the_error_asks_for_them() -> None:
    with pytest.raises(ModelError, match=r"(?s)torch.export needs example inputs.*give example inputs"):
        outlined(Holder(Branching()))


@pytest.mark.parametrize("trace", ["auto", "symbolic", "export"])
def test_a_model_that_raises(trace: str) -> None:
    with pytest.raises(ModelError, match=r"inside 'inner' at test_trace.py:\d+, `raise KeyError.*no such thing"):
        outlined(Holder(Broken()), X, trace=trace)


def test_inputs_that_do_not_fit() -> None:
    with pytest.raises(ModelError, match=r"cannot be traced.*3"):
        outlined(Holder(nn.Linear(6, 6)), torch.randn(4, 3))


class Careful(nn.Dropout):
    """Not a dropout by what it does."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name of torch
        return input * 2


def test_a_subclass_with_its_own_forward_is_traced_into() -> None:
    module = graph_of(Holder(Careful()))
    assert labels(module) == ["mul", "Linear"]


def test_inputs_of_the_caller_stay() -> None:
    class Adds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(6, 6)

        def forward(self, x: Tensor) -> Tensor:
            x += 1
            result: Tensor = self.fc(x)
            return result

    x = X.clone()
    outlined(Adds(), x)
    assert torch.equal(x, X)


def test_leaves_that_match_nothing_are_refused() -> None:
    with pytest.raises(
        ModelError, match="leaves: 'Branchin' is no module and no class of Sequential; did you mean 'Branching'"
    ):
        graph_of(nn.Sequential(Branching()), leaves=("Branchin",))


def test_leaves_and_export_do_not_go_together() -> None:
    with pytest.raises(ModelError, match=r"torch\.export keeps no module whole, as leaves asks for"):
        graph_of(nn.Sequential(nn.Linear(6, 6)), torch.randn(2, 6), trace="export", leaves=("Linear",))
