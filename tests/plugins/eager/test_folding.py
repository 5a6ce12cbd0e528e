"""Eager mode with fold_batch_norm: which norms go into the layer before them, and that nothing else changes."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import torch
from torch import Tensor, nn

from quark_core import QuantConfig, load, quantize
from quark_core.config.type import Dtype
from quark_core.errors import ModelError
from quark_core.plugin import Plan
from quark_eager import EagerOptions
from quark_eager.mode import Eager

FOLD = EagerOptions(fold_batch_norm=True)
Module = TypeVar("Module", bound=nn.Module)
MODE = {"name": "eager_mode", "fold_batch_norm": True}


def norm(module: Module) -> Module:
    """Give a batch norm statistics and an affine part that are not trivial."""
    generator = torch.Generator().manual_seed(5)
    for name, values in [*module.named_parameters(), *module.named_buffers()]:
        if values.is_floating_point():
            values.data = torch.rand(values.shape, generator=generator).to(values.dtype) + (name == "running_var") * 0.5
    return module


def net() -> nn.Sequential:
    """Return convolutions and linear layers with batch norms, of modules only."""
    torch.manual_seed(4)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=False),
        norm(nn.BatchNorm2d(8)),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 12, 3, groups=2),
        nn.Dropout(),
        norm(nn.BatchNorm2d(12)),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(12 * 9, 32),
        norm(nn.BatchNorm1d(32, affine=False)),
        nn.ReLU(),
        nn.Linear(32, 32),
    ).eval()


def images() -> Tensor:
    """Return a batch for ``net``."""
    return torch.randn(4, 3, 6, 6, generator=torch.Generator().manual_seed(6))


def prepared(model: nn.Module) -> nn.Module:
    """Return a folded copy of ``model`` without quantizers."""
    return Eager(FOLD).prepare(copy.deepcopy(model), Plan(()), None)


def kept(model: nn.Module) -> list[str]:
    """Return the batch norms that folding leaves in ``model``."""
    norms = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
    return [name for name, module in prepared(model).named_modules() if isinstance(module, norms)]


def test_every_norm_behind_a_layer_is_folded() -> None:
    model = net()
    got = prepared(model)
    assert not kept(model)
    assert [type(got.get_submodule(name)) for name in ("1", "5", "9")] == [nn.Identity] * 3
    torch.testing.assert_close(got(images()), model(images()), rtol=1e-4, atol=1e-5)


def test_double_precision_agrees_closely() -> None:
    model = net().double()
    torch.testing.assert_close(prepared(model)(images().double()), model(images().double()), rtol=1e-12, atol=1e-12)


def test_the_outline_is_that_of_the_folded_model_and_changes_nothing() -> None:
    model = net()
    state, modules = {k: v.clone() for k, v in model.state_dict().items()}, list(model.modules())
    outline = Eager(FOLD).outline(model, None)
    assert outline == Eager(EagerOptions()).outline(prepared(model), None)
    assert [tensor.name for tensor in outline.layers[1].tensors] == ["weight", "bias", "input", "output"]
    assert list(model.modules()) == modules
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    assert list(model.state_dict()) == list(state)


def test_off_by_default() -> None:
    model = net()
    Eager(EagerOptions()).prepare(model, Plan(()), None)
    assert isinstance(model[1], nn.BatchNorm2d)


class Pair(nn.Module):
    """A convolution and a norm, used as ``how`` says."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.conv, self.other = nn.Conv2d(3, 3, 1, bias=False), nn.Conv2d(3, 3, 1)
        self.norm, self.second = norm(nn.BatchNorm2d(3)), norm(nn.BatchNorm2d(3))
        if how == "tied":
            self.other.weight = self.conv.weight

    def forward(self, x: Tensor) -> Tensor:
        """Return an image."""
        y = self.conv(x)
        z = self.norm(y)
        sums: dict[str, Callable[[], Any]] = {
            "result used twice": lambda: y,
            "layer called twice": lambda: self.conv(z),
            "weight used elsewhere": lambda: self.conv.weight.sum() + 1,
            "norm's parameter used elsewhere": lambda: torch.sum(self.norm.weight),
            "norm alone somewhere": lambda: self.norm(x),
            "tied": lambda: self.other(x),
            "two norms": lambda: x,
            "one norm for two layers": lambda: self.norm(self.other(x)),
        }
        result: Tensor = sums[self.how]() + (self.second(z) if self.how == "two norms" else z)
        return result


REFUSED = (
    "result used twice",
    "layer called twice",
    "weight used elsewhere",
    "norm's parameter used elsewhere",
    "norm alone somewhere",
    "tied",
)


@pytest.mark.parametrize("how", REFUSED)
def test_what_is_used_elsewhere_stays(how: str) -> None:
    model = Pair(how).eval()
    assert "norm" in kept(model)
    assert torch.equal(prepared(model)(images()), model(images()))


@pytest.mark.parametrize("how", ["two norms", "one norm for two layers"])
def test_several_pairs_are_folded_one_after_the_other(how: str) -> None:
    model = Pair(how).double().eval()
    assert "norm" not in kept(model)
    torch.testing.assert_close(prepared(model)(images().double()), model(images().double()), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, track_running_stats=False)).eval(),
        nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)).train(),
        nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 3, 1)).eval(),
        nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(), nn.BatchNorm2d(3)).eval(),
        nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(3)).eval(),
        nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 3, 1)), nn.BatchNorm2d(3)).eval(),
    ],
    ids=["batch statistics", "training", "norm first", "relu between", "norm of another axis", "computed weight"],
)
def test_what_cannot_be_folded_stays(model: nn.Module) -> None:
    assert len(kept(model)) == 1


def test_a_norm_along_another_axis_than_its_linear_layer_is_told_apart_at_the_first_call() -> None:
    got = prepared(nn.Sequential(nn.Linear(6, 3), norm(nn.BatchNorm1d(3))).eval())
    assert got(torch.randn(2, 6)).shape == (2, 3)
    with pytest.raises(ModelError, match="1 cannot be folded into 0, whose results have 3 axes"):
        got(torch.randn(2, 3, 6))


class Aliased(nn.Module):
    """A norm that has two names."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 3, 1), norm(nn.BatchNorm2d(3))
        self.alias = self.norm

    def forward(self, x: Tensor) -> Tensor:
        """Return an image."""
        result: Tensor = self.alias(self.conv(x))
        return result


def test_a_norm_under_two_names_is_replaced_under_both() -> None:
    model = Aliased().double().eval()
    got = prepared(model)
    assert [type(module) for _, module in got.named_children()] == [nn.Conv2d, nn.Identity]
    torch.testing.assert_close(got(images().double()), model(images().double()), rtol=1e-12, atol=1e-12)


class Branching(nn.Module):
    """Decides by its values."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Return a projection or nothing new."""
        result: Tensor = self.fc(x) if x.sum() > 0 else x
        return result


def test_a_model_that_cannot_be_traced_is_refused_with_advice() -> None:
    with pytest.raises(ModelError, match="Branching cannot be traced") as caught:
        Eager(FOLD).outline(Branching(), None)
    text = str(caught.value)
    assert "fold_batch_norm" in text
    assert "fx_graph_mode" in text
    assert "test_folding.py" in text


def test_a_quantized_model_is_refused() -> None:
    done = quantize(net(), config("int8"), calibration=[images()], progress=False).model
    with pytest.raises(ModelError, match="quantized already"):
        Eager(FOLD).outline(done, None)


def config(dtype: str, mode: Any = MODE) -> QuantConfig:
    """Return a config for weights and inputs of ``dtype``."""
    weight: dict[str, Any] = {"dtype": dtype}
    return QuantConfig.model_validate({"mode": mode, "weight": weight, "input": dict(weight)})


@pytest.mark.parametrize("dtype", [dtype.value for dtype in Dtype])
def test_the_same_bits_as_graph_mode(dtype: str) -> None:
    torch.manual_seed(4)
    layers = list(net())
    middle = (nn.Conv2d(8, 32, 1), norm(nn.BatchNorm2d(32)), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    model = nn.Sequential(*layers[:3], *middle, *layers[11:]).eval()
    parts: dict[str, Any] = {"weight": {"dtype": dtype}, "input": {"dtype": dtype}}
    if dtype == "mx":
        parts = {"layers": [{"match": "type:Linear", **parts}]}
    results = [
        quantize(model, QuantConfig.model_validate({"mode": mode, **parts}), calibration=[images()], progress=False)
        for mode in (MODE, "fx_graph_mode")
    ]
    assert torch.equal(*(result.model(images()) for result in results))
    assert results[0].report.output_sqnr_db == results[1].report.output_sqnr_db


@pytest.mark.parametrize("dtype", ["int8", "uint4", "bfloat16"])
def test_a_saved_model_comes_back_with_equal_bits(tmp_path: Path, dtype: str) -> None:
    result = quantize(net(), config(dtype), calibration=[images()], progress=False)
    result.save(tmp_path / "out")
    fresh = net()
    for parameter in fresh.parameters():
        nn.init.zeros_(parameter)
    assert torch.equal(load(tmp_path / "out", fresh)(images()), result.model(images()))
