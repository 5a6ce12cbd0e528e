"""In eval mode torch hands a TransformerEncoderLayer to one fused kernel; quantizers must not be passed by."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from quark_core.engine.quantizer import quantizers
from tests.unit.engine.sample_nets import DYNAMIC, INT8, ROWS8, grid8, run

X = torch.randn(3, 6, 8, generator=torch.Generator().manual_seed(1))
PADDING = torch.tensor([[False] * 6, [False] * 4 + [True] * 2, [False] * 5 + [True]])


def layer(**rest: Any) -> nn.TransformerEncoderLayer:
    torch.manual_seed(2)
    return nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, **rest).eval()


def counted(model: nn.Module, *args: Any, **named: Any) -> dict[str, int]:
    """Return how often each quantizer of an activation is called."""
    counts = {q.key: 0 for q in quantizers(model) if q.tensor.role == "input"}

    def count(module: Any, _args: Any, _output: Any) -> None:
        counts[module.key] += 1

    hooks = [q.register_forward_hook(count) for q in quantizers(model) if q.tensor.role == "input"]
    with torch.no_grad():
        model(*args, **named)
    for hook in hooks:
        hook.remove()
    return counts


ENCODER_INPUTS = ("self_attn.query", "self_attn.key", "self_attn.value", "self_attn.out_proj.input")
INPUTS = (*ENCODER_INPUTS, "linear1.input", "linear2.input")


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_every_quantizer_of_an_encoder_layer_is_called(norm_first: bool, activation: str) -> None:
    model = layer(norm_first=norm_first, activation=activation)
    final = run(model, X, weight=ROWS8, input=INT8).model
    assert counted(final, X) == dict.fromkeys(INPUTS, 1)
    assert counted(final, X, src_key_padding_mask=PADDING) == dict.fromkeys(INPUTS, 1)
    assert isinstance(final, nn.TransformerEncoderLayer)
    with torch.no_grad():
        assert not torch.equal(final(X), model(X))
        assert torch.allclose(final(X), model(X), atol=0.2)


def test_weights_alone_are_on_the_grid_and_used() -> None:
    model = layer()
    final = run(model, weight=ROWS8).model
    by_hand = copy.deepcopy(model)
    for name, parameter in by_hand.named_parameters():
        if parameter.dim() == 2:
            parameter.data = grid8(parameter, 0)
            assert torch.equal(final.get_parameter(name), parameter)
    with torch.no_grad():
        assert torch.allclose(final(X), by_hand(X), atol=1e-5)


def test_the_original_keeps_its_fast_path() -> None:
    model = layer()
    run(model, X, weight=ROWS8, input=INT8)
    assert getattr(model, "activation_relu_or_gelu") == 1  # noqa: B009 - torch does not declare it


@pytest.mark.parametrize("named", [{}, {"src_key_padding_mask": PADDING}, {"mask": torch.zeros(6, 6)}])
def test_an_encoder_calls_every_quantizer(named: dict[str, Tensor]) -> None:
    model = nn.TransformerEncoder(layer(), 2, enable_nested_tensor=True).eval()
    assert getattr(model, "use_nested_tensor")  # noqa: B009 - torch does not declare it
    final = run(model, X, weight=ROWS8, input=INT8).model
    expected = {f"layers.{i}.{name}": 1 for i in range(2) for name in INPUTS}
    assert counted(final, X, **named) == expected


@pytest.mark.parametrize("activation", [INT8, DYNAMIC])
def test_padding_gives_the_same_values_where_nothing_is_padded(activation: dict[str, Any]) -> None:
    # Nested tensors warn; the float model is to be compared, not they.
    model = nn.TransformerEncoder(layer(), 2, enable_nested_tensor=False).eval()
    batch = {"src": X, "src_key_padding_mask": PADDING}
    final = run(model, batch, weight=ROWS8, input=activation).model
    with torch.no_grad():
        got, expected = final(**batch), model(**batch)
    assert got.shape == X.shape
    assert torch.allclose(got[~PADDING], expected[~PADDING], atol=0.3)


def test_one_quantized_layer_among_float_ones_is_enough() -> None:
    model = nn.TransformerEncoder(layer(), 2).eval()
    final = run(model, X, layers=[{"match": "layers.1.linear1", "weight": ROWS8, "input": DYNAMIC}]).model
    assert counted(final, X, src_key_padding_mask=PADDING) == {"layers.1.linear1.input": 1}


def test_decoders_and_whole_transformers() -> None:
    torch.manual_seed(3)
    model = nn.Transformer(8, 2, 1, 1, 16, batch_first=True).eval()
    final = run(model, (X, X[:, :4]), weight=ROWS8, input=INT8).model
    counts = counted(final, X, X[:, :4])
    assert set(counts.values()) == {1}
    assert "decoder.layers.0.multihead_attn.key" in counts
    assert len(counts) == len(INPUTS) * 2 + len(ENCODER_INPUTS)
