"""Graph mode, thin: a symbolic trace whose modules are quantized; functional operators stay float and are reported."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional

from quark_core.engine.authoring import is_operator, outline_modules, replace_modules
from quark_core.errors import ModelError
from quark_core.plugin import LayerOutline, Options, Outline, Plan

_FUNCTIONAL = {
    functional.linear: "linear",
    functional.conv1d: "conv1d",
    functional.conv2d: "conv2d",
    functional.conv3d: "conv3d",
    functional.conv_transpose1d: "conv_transpose1d",
    functional.conv_transpose2d: "conv_transpose2d",
    functional.conv_transpose3d: "conv_transpose3d",
    functional.bilinear: "bilinear",
    functional.embedding: "embedding",
    functional.scaled_dot_product_attention: "scaled_dot_product_attention",
    operator.matmul: "matmul",
    torch.matmul: "matmul",
    torch.bmm: "bmm",
    torch.addmm: "addmm",
    torch.baddbmm: "baddbmm",
    torch.einsum: "einsum",
}
_WHY = "a functional operator; this mode quantizes modules only, so it stays float"


class FxGraph:
    """Traces the model into a torch.fx.GraphModule and quantizes the operators that it calls."""

    def __init__(self, options: Options) -> None:
        del options

    def outline(self, model: nn.Module, example_inputs: tuple[Any, ...] | None) -> Outline:
        """Describe every module of the graph, and the functional operators that stay float."""
        del example_inputs
        graph = _trace(model)
        return Outline((*outline_modules(graph).layers, *_functional(graph)))

    def prepare(self, model: nn.Module, plan: Plan, example_inputs: tuple[Any, ...] | None) -> nn.Module:
        """Return a GraphModule with quantizers at its modules."""
        del example_inputs
        return replace_modules(_trace(model), plan)

    def convert(self, prepared: nn.Module) -> nn.Module:
        """Return ``prepared``: with its scales fixed it is the final model."""
        return prepared


class _Tracer(fx.Tracer):
    """Keeps operators whole, subclasses from anywhere included."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return is_operator(m) or super().is_leaf_module(m, module_qualified_name)


def _trace(model: nn.Module) -> fx.GraphModule:
    try:
        return fx.GraphModule(model, _Tracer().trace(model), type(model).__name__)
    except Exception as error:
        raise ModelError(
            f"torch.fx cannot trace {type(model).__name__}: {type(error).__name__}: {error}; "
            "use mode: eager_mode, which needs no trace"
        ) from error


def _functional(graph: fx.GraphModule) -> Iterator[LayerOutline]:
    for node in graph.graph.nodes:
        name = _FUNCTIONAL.get(node.target) if node.op == "call_function" else None
        if name is not None or (node.op == "call_method" and node.target in ("matmul", "bmm")):
            yield LayerOutline(f"<{node.name}>", (name or str(node.target),), unsupported=_WHY)
