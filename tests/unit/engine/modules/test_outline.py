"""What is told about a model without running it, and which models are refused."""

import warnings

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from quark_core.engine.modules.outline import outline_modules
from quark_core.errors import ModelError
from quark_core.plugin.outline import LayerOutline, TensorOutline
from tests.unit.engine.sample_nets import INT8, MyLinear, Tied, mlp, run


def layers(model: nn.Module) -> dict[str, LayerOutline]:
    return {layer.name: layer for layer in outline_modules(model).layers}


def test_a_linear_layer_in_full() -> None:
    found = layers(nn.Sequential(MyLinear(6, 4)))["0"]
    assert found == LayerOutline(
        "0",
        ("MyLinear", "Linear"),
        (
            TensorOutline("weight", "weight", (4, 6), 0, 1, storage="0.weight", elements=24),
            TensorOutline("bias", "bias", (4,), 0, 0, storage="0.bias", elements=4),
            TensorOutline("input", "input", None, -1, -1, group_length=6),
            TensorOutline("output", "output", None, -1, -1),
        ),
        28,
        operator="linear",
    )


@pytest.mark.parametrize(
    ("layer", "axes", "activation"),
    [
        (nn.Conv1d(4, 8, 3), (0, 1), -2),
        (nn.Conv2d(4, 8, 3), (0, 1), -3),
        (nn.Conv3d(4, 8, 3), (0, 1), -4),
        (nn.ConvTranspose1d(4, 8, 3), (1, 0), -2),
        (nn.ConvTranspose2d(4, 8, 3), (1, 0), -3),
        (nn.ConvTranspose3d(4, 8, 3), (1, 0), -4),
        (nn.Bilinear(4, 5, 6), (0, 2), -1),
    ],
)
def test_axes_follow_the_operator(layer: nn.Module, axes: tuple[int, int], activation: int) -> None:
    tensors = layers(layer)[""].tensors
    assert [(t.channel_axis, t.group_axis) for t in tensors if t.role == "weight"] == [axes]
    assert {t.channel_axis for t in tensors if t.role in ("input", "output")} == {activation}


def test_tied_parameters_share_a_storage_and_count_once() -> None:
    found = layers(Tied())
    weights = [t for layer in found.values() for t in layer.tensors if t.role == "weight"]
    assert [(t.storage, t.elements) for t in weights] == [("embed.weight", 96), ("embed.weight", 0)]
    assert (found["embed"].parameters, found["head"].parameters) == (96, 12)


def test_a_parameter_that_is_also_held_elsewhere_counts_where_it_is_quantized() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(10, 6)
            self.weight = self.embed.weight

    found = layers(Both())
    assert (found[""].parameters, found[""].unsupported, found["embed"].parameters) == (0, None, 60)
    report = run(Both(), weight=INT8).report
    assert (report.coverage.quantized_parameters, report.left_float) == (60, ())


def test_a_module_that_stands_twice_is_listed_once() -> None:
    layer = nn.Linear(4, 4)
    assert list(layers(nn.Sequential(layer, layer))) == ["", "0"]


def test_containers_and_activations_have_neither_tensors_nor_a_reason() -> None:
    found = layers(mlp())
    assert (found[""].types, found[""].tensors, found[""].unsupported) == (("Sequential",), (), None)
    assert (found["1"].tensors, found["1"].unsupported) == ((), None)


@pytest.mark.parametrize("layer", [nn.LSTM(4, 4), nn.LayerNorm(4), nn.EmbeddingBag(4, 4), nn.PReLU()])
def test_other_layers_with_parameters_say_that_they_have_no_form(layer: nn.Module) -> None:
    assert layers(layer)[""].unsupported == f"{type(layer).__name__} has no quantized form"


def test_weights_that_are_computed_are_not_supported() -> None:
    net = nn.Sequential(
        parametrizations.weight_norm(nn.Linear(4, 4)),
        parametrizations.spectral_norm(nn.Linear(4, 4)),
        parametrizations.orthogonal(nn.Linear(4, 4)),
        nn.Linear(4, 4),
    )
    result = run(net, torch.randn(2, 4), weight=INT8, input=INT8)
    assert {t.layer for t in result.plan.tensors()} == {"3"}
    reasons = {x.name: x.reason for x in result.report.left_float}
    for name in ("0", "1", "2"):
        assert reasons[name].startswith(
            "its weight is computed from other parameters (a parametrization or weight norm)"
        )


def test_the_old_weight_norm_is_not_supported_either() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls it deprecated
        layer = nn.utils.weight_norm(nn.Linear(4, 4))
    assert (layers(layer)[""].unsupported or "").startswith("its weight is computed from other parameters")


def test_lazy_layers_are_refused() -> None:
    with pytest.raises(ModelError, match=r"^1\.weight has no shape yet; run one batch through the model first"):
        run(nn.Sequential(nn.Linear(4, 4), nn.LazyLinear(3)), weight=INT8)


@pytest.mark.parametrize("mode", ["eager_mode", "fx_graph_mode"])
def test_a_quantized_model_is_refused(mode: str) -> None:
    final = run(mlp(), weight=INT8).model
    with pytest.raises(ModelError, match="0 is quantized already; give the original float model"):
        run(final, weight=INT8, mode=mode)
    with pytest.raises(ModelError, match="the model is quantized already"):
        run(run(nn.Linear(4, 4), weight=INT8).model, weight=INT8)


def test_complex_parameters_are_not_supported() -> None:
    assert layers(nn.Linear(4, 4, dtype=torch.complex64))[""].unsupported == "its parameters are not floating point"
