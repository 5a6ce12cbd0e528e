"""Attention taken apart equals scaled_dot_product_attention to ulps."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from quark_core.engine.quantizer import quantizers
from tests.plugins.fx.graphs import IN8, check_edges, graph_of, labels, outlined, quantized, sqnr


class Attention(nn.Module):
    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options = options

    def forward(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v, mask, **self.options)


def tensors(heads: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(2)
    return torch.randn(2, 4, 5, 8), torch.randn(2, heads, 7, 8), torch.randn(2, heads, 7, 6)


BLOCKED = torch.rand(5, 7) > 0.5
BLOCKED[2] = False
MASKS = {"none": None, "bool": BLOCKED, "float": torch.randn(2, 1, 5, 7)}


@pytest.mark.parametrize("trace", ["symbolic", "export"])
@pytest.mark.parametrize(
    ("mask", "options"),
    [
        ("none", {"is_causal": True}),  # torch refuses it with a mask
        *((mask, options) for mask in MASKS for options in ({}, {"scale": 0.3}, {"enable_gqa": True})),
    ],
)
def test_equal_to_the_whole(mask: str, options: dict[str, Any], trace: str) -> None:
    given = (*tensors(2 if "enable_gqa" in options else 4), *(() if MASKS[mask] is None else (MASKS[mask],)))
    net = Attention(**options)
    module = graph_of(net, *given, attention="decomposed", trace=trace)
    assert labels(module).count("matmul") == 2
    assert not any("attention" in word for word in labels(module))
    exact = net(*(x.double() if x is not None and x.is_floating_point() else x for x in given))
    assert (module(*given) - exact).abs().max() < 4e-6


def test_without_inputs() -> None:
    module = graph_of(Attention(), attention="decomposed")
    given = tensors()
    assert (module(*given) - Attention()(*given)).abs().max() < 2e-6


def test_dropout_in_evaluation_stays_whole() -> None:
    assert labels(graph_of(Attention(dropout_p=0.5), *tensors(), attention="decomposed")) == [
        "scaled_dot_product_attention"
    ]


def test_both_products_are_quantized() -> None:
    net, given = Attention(), (*tensors(), BLOCKED | True)
    outline = outlined(net, *given, attention="decomposed")
    assert [layer.name for layer in outline.layers if layer.tensors] == ["matmul", "mul", "softmax", "matmul_2"]
    assert [layer.unsupported for layer in outline.layers if layer.unsupported] == []
    final = quantized(net, given, options={"attention": "decomposed"}, input=IN8["input"]).model
    check_edges(final)
    assert {q.key for q in quantizers(final)} == {
        *("matmul.input", "matmul.other", "mul.input", "matmul_2.input", "matmul_2.other")
    }
    assert sqnr(net(*given), final(*given)) > 30
