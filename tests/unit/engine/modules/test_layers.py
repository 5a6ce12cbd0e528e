"""Every operator and every subclass of one is quantized where it stands, against arithmetic made by hand."""

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from quark_core.engine.modules.layers import QuantizedLayer
from quark_core.engine.quantizer import quantizers
from quark_core.errors import DataError, ModelError
from tests.unit.engine.sample_nets import (
    DYNAMIC,
    INT8,
    ROWS8,
    MyEmbedding,
    MyLinear,
    PadConv,
    grid8,
    images,
    mlp,
    run,
)

Case = tuple[Callable[[], nn.Module], tuple[tuple[int, ...], ...], int]

CASES: dict[str, Case] = {
    "linear": (lambda: nn.Linear(6, 4), ((5, 6),), 0),
    "linear without bias": (lambda: nn.Linear(6, 4, bias=False), ((2, 5, 6),), 0),
    "linear of one sample": (lambda: nn.Linear(6, 4), ((6,),), 0),
    "subclass of linear": (lambda: MyLinear(6, 4), ((5, 6),), 0),
    "conv1d": (lambda: nn.Conv1d(4, 6, 3, padding=1), ((2, 4, 9),), 0),
    "conv2d": (lambda: nn.Conv2d(4, 6, 3, stride=2, groups=2), ((2, 4, 9, 9),), 0),
    "conv2d that reflects": (lambda: nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"), ((2, 4, 9, 9),), 0),
    "conv3d": (lambda: nn.Conv3d(2, 3, 2), ((2, 2, 4, 4, 4),), 0),
    "conv that pads by itself": (lambda: PadConv(3, 8, 3, stride=2), ((2, 3, 8, 8),), 0),
    "transposed conv1d": (lambda: nn.ConvTranspose1d(4, 6, 3), ((2, 4, 9),), 1),
    "transposed conv2d": (lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2), ((2, 4, 5, 5),), 1),
    "transposed conv3d": (lambda: nn.ConvTranspose3d(2, 3, 2), ((2, 2, 3, 3, 3),), 1),
    "bilinear": (lambda: nn.Bilinear(5, 6, 4), ((3, 5), (3, 6)), 0),
}


def made(name: str) -> tuple[nn.Module, tuple[Tensor, ...], int]:
    """Return a layer and what it is called with."""
    make, shapes, axis = CASES[name]
    torch.manual_seed(3)
    return make().eval(), tuple(torch.randn(shape) for shape in shapes), axis


def by_hand(layer: nn.Module, axis: int) -> nn.Module:
    """Return a copy of a float layer with its weight put on the grid."""
    own = copy.deepcopy(layer)
    with torch.no_grad():
        own.get_parameter("weight").copy_(grid8(own.get_parameter("weight"), axis))
    return own


@pytest.mark.parametrize("name", CASES)
def test_a_layer_computes_what_quantization_by_hand_does(name: str) -> None:
    layer, args, axis = made(name)
    final = run(layer, args, weight=ROWS8, input=INT8).model
    expected = by_hand(layer, axis)(*(grid8(x) for x in args))
    assert torch.equal(final(*args), expected)
    assert not torch.equal(final(*args), layer(*args))


@pytest.mark.parametrize("name", CASES)
def test_a_layer_keeps_class_names_and_the_original(name: str) -> None:
    layer, args, _ = made(name)
    layer.train()
    before = {key: value.clone() for key, value in layer.state_dict().items()}
    result = run(layer, args, weight=ROWS8, input=INT8, output=INT8)
    assert isinstance(result.model, type(layer))
    assert len(list(quantizers(result.model))) == 2 + len(args)
    assert set(before) <= set(result.model.state_dict())
    assert [n for n, _ in result.model.named_parameters()] == [n for n, _ in layer.named_parameters()]
    assert (layer.training, result.model.training) == (True, False)
    assert all(torch.equal(value, before[key]) for key, value in layer.state_dict().items())
    assert all(p.requires_grad for p in layer.parameters())


@pytest.mark.parametrize("name", CASES)
def test_outputs_and_biases_are_quantized_too(name: str) -> None:
    layer, args, _ = made(name)
    result = run(layer, args, output=INT8, bias=INT8) if "without" not in name else run(layer, args, output=INT8)
    expected = copy.deepcopy(layer)
    if (bias := dict(expected.named_parameters()).get("bias")) is not None:
        with torch.no_grad():
            bias.copy_(grid8(bias))
    # Calibration saw the outputs of the float layer; the bias moves them a little.
    (quantizer,) = (q for q in quantizers(result.model) if q.tensor.role == "output")
    scale = (layer(*args).detach().abs().max().double() / 127).float()
    assert torch.equal(torch.as_tensor(quantizer.scale), scale.reshape(1))
    assert torch.equal(result.model(*args), (expected(*args) / scale).round().clamp(-128, 127) * scale)


@pytest.mark.parametrize("cls", [nn.Embedding, MyEmbedding])
def test_embeddings_have_a_quantized_weight_and_no_input(cls: type[nn.Embedding]) -> None:
    torch.manual_seed(3)
    layer, tokens = cls(10, 8), torch.tensor([[1, 9], [0, 3]])
    result = run(layer, weight=ROWS8, input=INT8)
    assert [t.key for t in result.plan.tensors()] == ["weight"]
    assert torch.equal(result.model(tokens), by_hand(layer, 0)(tokens))


def test_an_embedding_that_renormalizes_its_weight_is_not_supported() -> None:
    net = nn.Sequential(nn.Embedding(10, 8, max_norm=1.0), nn.Linear(8, 4))
    result = run(net, weight=INT8)
    assert [(x.name, "max_norm" in x.reason) for x in result.report.left_float] == [("0", True)]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_models_in_other_float_types(dtype: torch.dtype) -> None:
    net, x = mlp().to(dtype), torch.randn(5, 6).to(dtype)
    result = run(net, x, weight=ROWS8, input=INT8)
    assert result.model(x).dtype == dtype
    weight = result.model.get_parameter("0.weight")
    assert torch.equal(weight, grid8(net.get_parameter("0.weight"), 0))


def test_large_float16_weights_stay_finite() -> None:
    layer = nn.Linear(1, 1, bias=False, dtype=torch.float16)
    nn.init.constant_(layer.weight, -65504.0)
    final = run(layer, weight={"dtype": "int8", "scale_type": "pof2"}).model
    assert final.get_parameter("weight").item() == -65504.0


def test_integers_as_inputs_are_refused_by_name() -> None:
    class Cast(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name of torch
            return super().forward(input.float())

    net, tokens = nn.Sequential(Cast(6, 4)), torch.ones(2, 6, dtype=torch.int64)
    with pytest.raises(ModelError, match=r"^0\.input: torch\.int64 values cannot be quantized; exclude this layer"):
        run(net, tokens, input=INT8)
    assert run(net, tokens, weight=INT8).model(tokens).shape == (2, 4)


def test_a_missing_input_is_named() -> None:
    class Lone(nn.Bilinear):
        def forward(self, input1: Tensor) -> Tensor:  # type: ignore[override]  # what this test is about
            return super().forward(input1, input1)

    with pytest.raises(ModelError, match="forward was called without 'input2'; pass it by position, or skip the input"):
        run(Lone(4, 4, 2), torch.randn(2, 4), input=INT8)


def test_what_is_no_tensor_is_refused_by_name() -> None:
    class Pair(nn.Linear):
        def forward(self, input: Any) -> Any:  # noqa: A002 - the name of torch
            return super().forward(input[0])

    class Wrap(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = Pair(4, 4)

        def forward(self, x: Tensor) -> Any:
            return self.fc((x, x))

    with pytest.raises(ModelError, match=r"fc\.input: a tensor is needed, tuple was passed; exclude the layer"):
        run(Wrap(), torch.randn(2, 4), input=INT8)


def test_inputs_may_be_passed_by_name() -> None:
    layer, x = nn.Linear(6, 4), torch.randn(3, 6)
    final = run(layer, {"input": x}, weight=ROWS8, input=INT8).model
    assert torch.equal(final(input=x), by_hand(layer, 0)(grid8(x)))


def test_a_layer_that_is_called_twice_sees_both_ranges() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Any:
            return self.fc(x) + self.fc(x * 10)

    x = torch.randn(3, 4)
    (quantizer,) = quantizers(run(Twice(), x, input=INT8).model)
    assert quantizer.calls == 2
    assert torch.equal(torch.as_tensor(quantizer.scale), ((x * 10).abs().max().double() / 127).float().reshape(1))


def test_a_dynamic_input_has_a_scale_for_each_batch() -> None:
    layer = nn.Linear(6, 4)
    final = run(layer, input=DYNAMIC).model
    for x in (torch.randn(3, 6), torch.randn(2, 6) * 100):
        assert torch.equal(final(x), layer(grid8(x)))


def test_a_dynamic_input_may_be_empty() -> None:
    final = run(nn.Linear(32, 4), input=DYNAMIC, weight=INT8).model
    assert final(torch.empty(0, 32)).shape == (0, 4)
    assert run(nn.Linear(32, 4), input={"dtype": "mx"}).model(torch.empty(0, 32)).shape == (0, 4)


def test_a_layer_that_sees_only_empty_batches_is_named() -> None:
    with pytest.raises(DataError, match=r"^0\.input: .*no values"):
        run(nn.Sequential(nn.Linear(6, 4)), torch.empty(0, 6), input=INT8)


def test_groups_that_fit_only_some_batches_name_the_layer() -> None:
    settings = {"dtype": "int8", "qscheme": "per_group", "group_size": 4, "ch_axis": 0, "is_dynamic": True}
    final = run(nn.Sequential(nn.Linear(6, 4)), torch.randn(8, 6), input=settings).model
    with pytest.raises(ModelError, match=r"^0\.input: axis 0 of a tensor of shape \(3, 6\)"):
        final(torch.randn(3, 6))


def test_copies_and_pickles_compute_the_same() -> None:
    net, batch = nn.Sequential(PadConv(3, 8, 3), nn.Flatten(), MyLinear(8 * 49, 3)), images()
    final = run(net, batch, weight=ROWS8, input=INT8).model
    buffer = io.BytesIO()
    torch.save(final, buffer)
    buffer.seek(0)
    copies = [copy.deepcopy(final), pickle.loads(pickle.dumps(final)), torch.load(buffer, weights_only=False)]  # noqa: S301 - our own bytes
    for other in copies:
        assert torch.equal(other(batch), final(batch))
        assert isinstance(other[0], QuantizedLayer)
        assert isinstance(other[0], PadConv)
        assert other[0].get_parameter("weight") is not final[0].get_parameter("weight")  # type: ignore[index]  # a Sequential


def test_gradients_pass_straight_through_to_the_input() -> None:
    layer, x = nn.Linear(6, 4), torch.randn(3, 6)
    final = run(layer, x, weight=ROWS8, input=INT8).model
    given = x.clone().requires_grad_()
    final(given).sum().backward()
    assert given.grad is not None
    assert torch.allclose(given.grad, final.get_parameter("weight").sum(0).expand(3, 6))
    assert not final.get_parameter("weight").requires_grad


def test_print_shows_the_settings() -> None:
    text = str(run(mlp(), weight=ROWS8).model)
    assert "(weight_quantizer): Quantizer(int8 per_channel axis 0 half_even min_max)" in text
    assert "QuantizedLinear(" in text
