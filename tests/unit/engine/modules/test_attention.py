"""MultiheadAttention against attention written out in plain torch."""

import copy
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from quark_core.engine.quantizer import parameter_quantizers, quantizers
from quark_core.errors import DataError
from tests.unit.engine.sample_nets import DYNAMIC, INT8, ROWS8, Attend, ResidualAttention, grid8, run

KINDS: dict[str, dict[str, Any]] = {
    "packed": {},
    "without bias": {"bias": False},
    "sequence first": {"batch_first": False},
    "separate": {"kdim": 6, "vdim": 10},
}


def attention(kind: str, cls: type[nn.MultiheadAttention] = nn.MultiheadAttention) -> nn.MultiheadAttention:
    """Return an attention with 2 heads of 4."""
    torch.manual_seed(5)
    layer = cls(8, 2, **{"batch_first": True} | KINDS[kind]).eval()
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if "bias" in name:
                parameter.normal_()
    return layer


def tensors(kind: str, positions: tuple[int, int] = (5, 7)) -> tuple[Tensor, Tensor, Tensor]:
    """Return query, key and value."""
    torch.manual_seed(6)
    widths = (8, KINDS[kind].get("kdim", 8), KINDS[kind].get("vdim", 8))
    rows = (positions[0], positions[1], positions[1])
    made = [torch.randn(3, n, width) for n, width in zip(rows, widths, strict=True)]
    query, key, value = made if KINDS[kind].get("batch_first", True) else [x.transpose(0, 1) for x in made]
    return query, key, value


@torch.no_grad()
def by_hand(layer: nn.MultiheadAttention, args: tuple[Tensor, ...], inner: float, masked: Tensor | None) -> Any:
    """Return output and attention weights; ``inner``: the largest magnitude at the output projection, 0 for float."""
    first = layer.batch_first
    query, key, value = (grid8(x) if first else grid8(x).transpose(0, 1) for x in args)
    if "q_proj_weight" in dict(layer.named_parameters()):
        names = ("q_proj_weight", "k_proj_weight", "v_proj_weight")
        weights = [grid8(layer.get_parameter(name), 0) for name in names]
    else:
        weights = list(grid8(layer.in_proj_weight, 0).chunk(3))
    bias = dict(layer.named_parameters()).get("in_proj_bias")
    biases: Any = (None, None, None) if bias is None else bias.chunk(3)
    projected = [nn.functional.linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases, strict=True)]
    q, k, v = (x.reshape(*x.shape[:2], 2, 4).transpose(1, 2) for x in projected)
    scores = q @ k.transpose(-1, -2) / 2.0
    if masked is not None:
        scores = scores.masked_fill(masked, float("-inf"))
    shares = scores.softmax(-1)
    heads = (shares @ v).transpose(1, 2).flatten(-2)
    if inner:
        scale = inner / 127
        heads = (heads / scale).round().clamp(-128, 127) * scale
    out = nn.functional.linear(heads, grid8(layer.out_proj.weight, 0), layer.out_proj.bias)
    return out if first else out.transpose(0, 1), shares


@pytest.mark.parametrize("kind", KINDS)
def test_attention_computes_what_quantization_by_hand_does(kind: str) -> None:
    layer, args = attention(kind), tensors(kind)
    result = run(layer, args, weight=ROWS8, layers=[{"match": "type:MultiheadAttention", "input": INT8}])
    scale = result.model.get_buffer("out_proj.input_quantizer.scale")
    got, weights = result.model(*args)
    expected, shares = by_hand(layer, args, float(scale) * 127, None)
    # A value on the edge between two codes may fall to either side.
    assert (got - expected).abs().mean().item() < 1e-3
    assert torch.allclose(weights, shares.mean(1), atol=1e-5)
    names = [name for _, name, _ in parameter_quantizers(result.model)]
    assert len(names) == (4 if kind == "separate" else 2)
    assert sum(q.tensor.role == "input" for q in quantizers(result.model)) == 4


@pytest.mark.parametrize("kind", KINDS)
def test_weights_alone_too(kind: str) -> None:
    layer, args = attention(kind), tensors(kind)
    final = run(layer, weight=ROWS8).model
    by_copy = copy.deepcopy(layer)
    with torch.no_grad():
        for name, parameter in by_copy.named_parameters():
            if "weight" in name:
                parameter.copy_(grid8(parameter, 0))
    for got, expected in zip(final(*args), by_copy(*args), strict=True):
        assert torch.allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["padding", "attention", "causal"])
def test_masks_reach_the_attention(kind: str, mode: str) -> None:
    layer, args = attention(kind), tensors(kind, (5, 5))
    padding = torch.tensor([[False] * 5, [False] * 3 + [True] * 2, [False] * 4 + [True]])
    causal = torch.ones(5, 5, dtype=torch.bool).triu(1)
    kinds: dict[str, dict[str, Any]] = {
        "padding": {"key_padding_mask": padding},
        "attention": {"attn_mask": causal},
        "causal": {"attn_mask": causal, "is_causal": True, "need_weights": False},
    }
    rest = kinds[mode]
    masked = padding[:, None, None, :] if mode == "padding" else causal
    named = dict(zip(("query", "key", "value"), args, strict=True)) | rest
    final = run(layer, named, weight=ROWS8, input=INT8).model
    got, weights = final(*args, **rest)
    scale = float(final.get_buffer("out_proj.input_quantizer.scale"))
    expected, shares = by_hand(layer, args, scale * 127, masked)
    assert (got - expected).abs().mean().item() < 1e-3
    assert (weights is None) == (mode == "causal")
    assert weights is None or torch.allclose(weights, shares.mean(1), atol=1e-5)


def test_weights_of_each_head_can_be_had() -> None:
    layer, args = attention("packed"), tensors("packed")
    final = run(layer, args, weight=ROWS8, input=INT8).model
    _, weights = final(*args, average_attn_weights=False)
    assert weights.shape == (3, 2, 5, 7)
    assert torch.allclose(weights, by_hand(layer, args, 0, None)[1], atol=1e-5)


def test_self_attention_of_one_tensor_quantizes_all_three_roles() -> None:
    net, x = Attend(), torch.randn(2, 5, 8)
    result = run(net, x, weight=ROWS8, input=INT8)
    assert {t.key for t in result.plan.tensors() if t.role == "input"} == {
        "before.input",
        "attention.query",
        "attention.key",
        "attention.value",
        "attention.out_proj.input",
        "after.input",
    }
    assert all(q.calls == 1 for q in quantizers(result.model) if q.tensor.role == "input")


def test_the_output_of_attention_is_that_of_its_projection() -> None:
    result = run(Attend(), torch.randn(2, 5, 8), output=INT8)
    assert [t.key for t in result.plan.tensors()] == ["before.output", "attention.out_proj.output", "after.output"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_subclass_keeps_what_it_does_around(kind: str) -> None:
    torch.manual_seed(5)
    plain, own, args = attention(kind), attention(kind, ResidualAttention), tensors(kind)
    settings = {"weight": ROWS8, "input": INT8}
    got, weights = run(own, args, **settings).model(*args)
    expected, shares = run(plain, args, **settings).model(*args)
    assert torch.equal(got, expected + grid8(args[0]))
    assert torch.equal(weights, shares)


@pytest.mark.parametrize("activation", [DYNAMIC, INT8])
def test_the_output_projection_alone_is_really_quantized(activation: dict[str, Any]) -> None:
    layer, args = attention("packed"), tensors("packed")
    result = run(layer, args, layers=[{"match": "out_proj", "weight": ROWS8, "input": activation}])
    assert [t.key for t in result.plan.tensors()] == ["out_proj.weight", "out_proj.input"]
    seen: list[Tensor] = []
    (quantizer,) = (q for q in quantizers(result.model) if q.tensor.role == "input")
    quantizer.register_forward_hook(lambda _m, _a, out: seen.append(out))
    result.model(*args)
    assert len(seen) == 1
    assert len(set(seen[0].flatten().tolist())) <= 256


def test_excluding_the_projection_leaves_it_float() -> None:
    net, x = Attend(), torch.randn(2, 5, 8)
    result = run(net, x, weight=ROWS8, input=INT8, exclude=["attention.out_proj"])
    assert torch.equal(
        result.model.get_parameter("attention.out_proj.weight"), net.get_parameter("attention.out_proj.weight")
    )


def test_a_subclass_that_never_calls_attention_is_told_apart() -> None:
    class Skipping(nn.MultiheadAttention):
        def forward(self, *args: Any, **rest: Any) -> Any:
            return args[0], None

    layer = Skipping(8, 2, batch_first=True)
    with pytest.raises(DataError, match=r"out_proj\.input: no calibration batch reached 'out_proj'"):
        run(layer, tensors("packed"), input=INT8)


def test_biases_of_the_projections_are_quantized() -> None:
    layer = attention("packed")
    final = run(layer, bias=INT8).model
    assert torch.equal(final.get_parameter("in_proj_bias"), grid8(layer.in_proj_bias))
    assert torch.equal(final.get_parameter("out_proj.bias"), grid8(layer.out_proj.bias))


def test_a_failure_inside_leaves_the_projection_in_place() -> None:
    args = tensors("packed")
    final = run(attention("packed"), args, weight=ROWS8, input=INT8).model
    expected, _ = final(*args)
    with pytest.raises(Exception, match="shape"):
        final(args[0], args[1][:, :2], args[2])
    assert torch.equal(final(*args)[0], expected)


def test_a_running_attention_is_not_changed_so_threads_may_share_it(monkeypatch: pytest.MonkeyPatch) -> None:
    args = tensors("packed")
    final = run(attention("packed"), args, weight=ROWS8, input=INT8).model
    before, plain = dict(final.named_modules()), nn.MultiheadAttention.forward

    def watched(self: Any, *args: Any, **rest: Any) -> Any:
        assert dict(final.named_modules()) == before
        return plain(self, *args, **rest)

    expected, _ = final(*args)
    monkeypatch.setattr(nn.MultiheadAttention, "forward", watched)
    assert torch.equal(final(*args)[0], expected)


@pytest.mark.parametrize("rest", [{"add_bias_kv": True}, {"add_zero_attn": True}, {"dropout": 0.5}])
def test_other_kinds_of_attention(rest: dict[str, Any]) -> None:
    torch.manual_seed(5)
    layer = nn.MultiheadAttention(8, 2, batch_first=True, **rest).eval()
    args = tensors("packed")
    result = run(layer, args, weight=ROWS8, input=INT8)
    assert torch.allclose(result.model(*args)[0], layer(*args)[0], atol=0.05)
    assert result.model.get_submodule("out_proj.input_quantizer").calls == 1


def test_copies_and_pickles_compute_the_same() -> None:
    args = tensors("packed")
    final = run(attention("packed", ResidualAttention), args, weight=ROWS8, input=INT8).model
    for other in (copy.deepcopy(final), pickle.loads(pickle.dumps(final))):  # noqa: S301 - our own bytes
        assert torch.equal(other(*args)[0], final(*args)[0])
        assert isinstance(other, ResidualAttention)
