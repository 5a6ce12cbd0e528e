"""Quantized parameters are trained, frozen, saved and loaded."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import quark_core.functional as qf
from quark_core.engine.loading import load
from quark_core.errors import ArtifactError, UsageError
from tests.unit.engine.sample_nets import INT8, ROWS8, Tied, convnet, images, mlp, run

WEIGHTS: dict[str, dict[str, Any]] = {
    "int4": {"dtype": "int4", "qscheme": "per_channel"},
    "uint4": {"dtype": "uint4", "symmetric": False},
    "fp8": {"dtype": "fp8_e4m3"},
    "bfloat16": {"dtype": "bfloat16"},
}


def train(model: nn.Module, call: Any, x: Tensor, wanted: Tensor) -> list[float]:
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.05)
    losses = []
    for _ in range(25):
        loss = (call(x) - wanted).square().mean()
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses


@pytest.mark.parametrize("mode", ["eager_mode", "fx_graph_mode"])
@pytest.mark.parametrize("weight", WEIGHTS)
def test_training_lowers_the_loss_and_can_be_saved(tmp_path: Path, mode: str, weight: str) -> None:
    torch.manual_seed(1)
    x, wanted = torch.randn(32, 6), torch.randn(32, 4)
    result = run(mlp(), x, weight=WEIGHTS[weight], bias=INT8, input=INT8, mode=mode)
    model, before = result.model, result.model(x)
    names, classes = list(model.state_dict()), [type(m) for m in model.modules()]
    assert torch.equal(qf.trainable(model)(x), before)
    losses = train(model, model, x, wanted)
    assert losses[-1] < losses[0] * 0.99
    trained = model(x)
    assert not torch.equal(trained, before)
    assert torch.equal(qf.frozen(model)(x), trained)
    assert (list(model.state_dict()), [type(m) for m in model.modules()]) == (names, classes)
    assert torch.equal(load(result.save(tmp_path / "out"), mlp())(x), trained)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_training_under_a_compiler_is_the_same() -> None:
    x, wanted = images(), torch.randn(4, 5)
    model = qf.trainable(run(convnet(), x, weight=ROWS8, input=INT8).model)
    other = copy.deepcopy(model)
    compiled = torch.compile(other, fullgraph=True, backend="aot_eager")
    assert train(other, compiled, x, wanted) == train(model, model, x, wanted)


def test_tied_parameters_stay_tied() -> None:
    tokens = torch.arange(12)
    model = run(Tied(), tokens, weight=INT8).model
    assert len([p for p in qf.trainable(model).parameters() if p.requires_grad and p.dim() == 2]) == 1
    train(model, model, tokens, torch.randn(24, 12))
    trained = model(tokens)
    assert torch.equal(qf.frozen(model)(tokens), trained)
    assert model.get_parameter("embed.weight") is model.get_parameter("head.weight")


def test_it_is_not_saved_while_it_is_trained(tmp_path: Path) -> None:
    result = run(mlp(), torch.randn(4, 6), weight=INT8)
    qf.trainable(qf.trainable(result.model))
    with pytest.raises(ArtifactError, match=r"call quark_core\.functional\.frozen"):
        result.save(tmp_path / "out")
    qf.frozen(qf.frozen(result.model))
    result.save(tmp_path / "out")


def test_a_float_model_is_refused() -> None:
    with pytest.raises(UsageError, match="no quantized parameters"):
        qf.trainable(mlp())
