"""Takes scaled_dot_product_attention apart, so that both of its products are quantized."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import fx
from torch.nn import functional

from quark_fx.operators import kind_of
from quark_fx.values import KEY


def decompose_attention(graph: fx.GraphModule) -> None:
    """Replace every scaled_dot_product_attention of ``graph`` by matmul, scale, mask, softmax and matmul.

    Source: the reference in PyTorch's documentation of torch.nn.functional.scaled_dot_product_attention. Dropout is
    left out, since the graph is one for evaluation.
    """
    modules = dict(graph.named_modules())
    for node in list(graph.graph.nodes):
        kind = kind_of(node, modules)
        if kind is None or kind.name != "scaled_dot_product_attention":
            continue
        with graph.graph.inserting_before(node):
            _Builder(graph.graph, node).build()
        graph.graph.erase_node(node)
    graph.recompile()


class _Builder:
    def __init__(self, graph: fx.Graph, node: fx.Node) -> None:
        self._graph, self._node = graph, node
        names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
        given: dict[str, Any] = dict(zip(names, node.args, strict=False)) | dict(node.kwargs)
        self._query, self._key, self._value = (given[name] for name in names[:3])
        self._mask, self._causal = given.get("attn_mask"), bool(given.get("is_causal", False))
        self._scale, self._grouped = given.get("scale"), bool(given.get("enable_gqa", False))

    def build(self) -> None:
        """Write the nodes and let them take the place of the attention."""
        key, value = (self._repeated(x) if self._grouped else x for x in (self._key, self._value))
        scale = self._scale
        if scale is None:
            scale = self._call(_default_scale, self._query)
            scale.meta[KEY] = None
        scores = self._call(torch.matmul, self._query, self._call(torch.transpose, key, -2, -1))
        scores = self._call(torch.mul, scores, scale)
        if self._causal:
            scores = self._call(_causal, scores)
        if self._mask is not None:
            scores = self._call(_masked, scores, self._mask)
        result = self._call(torch.matmul, self._call(functional.softmax, scores, dim=-1), value)
        self._node.replace_all_uses_with(result)

    def _repeated(self, x: fx.Node) -> fx.Node:
        return self._call(_repeated_heads, x, self._query)

    def _call(self, function: Any, *args: Any, **kwargs: Any) -> fx.Node:
        made = self._graph.call_function(function, args, kwargs)
        made.meta["nn_module_stack"] = self._node.meta.get("nn_module_stack", {})
        return made


def _default_scale(query: torch.Tensor) -> float:
    return 1 / math.sqrt(query.shape[-1])


def _causal(scores: torch.Tensor) -> torch.Tensor:
    allowed = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    return scores.masked_fill(allowed.logical_not(), float("-inf"))


def _masked(scores: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return scores.masked_fill(mask.logical_not(), float("-inf")) if mask.dtype == torch.bool else scores + mask


def _repeated_heads(x: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
    return x.repeat_interleave(query.shape[-3] // x.shape[-3], -3)
