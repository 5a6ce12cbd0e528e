"""Takes scaled_dot_product_attention apart, so that both of its products are quantized."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx
from torch.nn import functional

from quark_fx import masks
from quark_fx.recognize import kind_of
from quark_fx.values import KEY, shape_of

_NAMES = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")


def decompose_attention(graph: fx.GraphModule) -> None:
    """Replace every scaled_dot_product_attention of ``graph`` by matmul, scale, mask, softmax and matmul.

    Source: the reference in PyTorch's documentation of torch.nn.functional.scaled_dot_product_attention. One that
    drops weights out in evaluation too stays whole.
    """
    modules = dict(graph.named_modules())
    for node in list(graph.graph.nodes):
        kind = kind_of(node, modules)
        if kind is None or kind.name != "scaled_dot_product_attention":
            continue
        given: dict[str, Any] = dict(zip(_NAMES, node.args, strict=False)) | dict(node.kwargs)
        if given.get("dropout_p", 0.0) != 0.0:
            continue
        with graph.graph.inserting_before(node):
            _Builder(graph.graph, node, given).build()
        graph.graph.erase_node(node)
    graph.recompile()


class _Builder:
    def __init__(self, graph: fx.Graph, node: fx.Node, given: dict[str, Any]) -> None:
        self._graph, self._node = graph, node
        self._query, self._key, self._value = (given[name] for name in _NAMES[:3])
        self._mask, self._causal = given.get("attn_mask"), bool(given.get("is_causal", False))
        self._scale, self._grouped = given.get("scale"), bool(given.get("enable_gqa", False))

    def build(self) -> None:
        """Write the nodes and let them take the place of the attention."""
        key, value = (self._repeated(x) if self._grouped else x for x in (self._key, self._value))
        scores = self._call(torch.matmul, self._query, self._call(torch.transpose, key, -2, -1))
        scores = self._call(torch.mul, scores, self._factor())
        if self._causal:
            scores = self._call(masks.causal, scores)
        if self._mask is not None:
            scores = self._call(masks.masked, scores, self._mask)
        weights = self._call(functional.softmax, scores, dim=-1)
        if self._mask is not None:
            weights = self._call(masks.cleared, weights, scores)
        result = self._call(torch.matmul, weights, value)
        result.meta = self._node.meta
        self._node.replace_all_uses_with(result)

    def _factor(self) -> Any:
        if self._scale is not None:
            return self._scale
        shape = shape_of(self._query)
        if shape is not None:
            return shape[-1] ** -0.5
        made = self._call(masks.scale_of, self._query)
        made.meta[KEY] = None
        return made

    def _repeated(self, x: fx.Node) -> fx.Node:
        return self._call(masks.repeated_heads, x, self._query)

    def _call(self, function: Any, *args: Any, **kwargs: Any) -> fx.Node:
        made = self._graph.call_function(function, args, kwargs)
        made.meta["nn_module_stack"] = self._node.meta.get("nn_module_stack", {})
        return made
