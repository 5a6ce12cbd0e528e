"""A model's graph, ready to be quantized: traced, prepared by the passes, and read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from torch import fx, nn

from quark_core.engine.authoring import argument, is_operator
from quark_core.plugin import Adjustment, ExampleInputs, GraphPass
from quark_fx import FxOptions
from quark_fx.kinds import Role
from quark_fx.operators import Operator, Unknown, operators
from quark_fx.passes.attention import decompose_attention
from quark_fx.passes.fold_batch_norm import fold_batch_norm
from quark_fx.passes.simplify import simplify
from quark_fx.recognize import kind_of
from quark_fx.trace import trace

_FUSED = {"add", "sub", "mul", "div", "matmul", "bmm", "addmm", "baddbmm", "einsum"}
"""What may be quantized behind the ReLU that follows it, besides layers with weights."""


@dataclass
class Graph:
    """The graph of a model, and what is known of it."""

    module: fx.GraphModule
    options: FxOptions
    changes: list[Adjustment] = field(default_factory=list)
    """What the passes of a device changed."""

    @staticmethod
    def of(model: nn.Module, inputs: ExampleInputs, options: FxOptions, passes: Sequence[GraphPass] = ()) -> Graph:
        """Trace ``model`` and run the passes, those of a device last; the model's own modules do not change."""
        module = trace(model, inputs, options)
        simplify(module)
        if options.fold_batch_norm:
            fold_batch_norm(module)
        if options.attention == "decomposed":
            decompose_attention(module)
        changes = [change for run in passes for change in run(module)]
        return Graph(module, options, changes)

    @cached_property
    def nodes(self) -> list[Operator | Unknown]:
        """What the nodes compute; calls of modules that are quantized from within, and fused ReLU6, are left out."""
        found = [found for found in operators(self.module) if self._inner(found.node) is None]
        results = {self.result(op) for op in found if isinstance(op, Operator) and self.result(op) is not op.node}
        return [op for op in found if op.node not in results or self._kind(op.node) == "relu"]

    @cached_property
    def modules(self) -> dict[str, nn.Module]:
        """The modules by path."""
        return dict(self.module.named_modules())

    @cached_property
    def inner(self) -> set[str]:
        """Paths of modules that the graph keeps whole, but in which there are operators to quantize."""
        calls = (self._inner(node) for node in self.module.graph.nodes)
        return {path for path in calls if path is not None}

    def _inner(self, node: fx.Node) -> str | None:
        if node.op != "call_module" or kind_of(node, self.modules) is not None:
            return None
        path = str(node.target)
        return path if any(is_operator(module) for module in self.modules[path].modules()) else None

    def result(self, op: Operator) -> fx.Node:
        """Return the node whose value is the output of ``op``: its own, or the ReLU or ReLU6 that it is fused with."""
        fits = op.kind.role is Role.weighted or op.kind.name in _FUSED
        users = list(op.node.users)
        if self.options.fuse_relu and fits and len(users) == 1 and self._kind(users[0]) in ("relu", "relu6"):
            return users[0]
        return op.node

    @cached_property
    def _fused(self) -> set[fx.Node]:
        found = (op for op in self.nodes if isinstance(op, Operator))
        return {result for op in found if (result := self.result(op)) is not op.node}

    def grid(self, node: fx.Node) -> str:
        """Return the name of the value whose numbers ``node`` moves or picks, or of the concatenation that joins it."""
        while (kind := kind_of(node, self.modules)) is not None:
            if kind.role is Role.joining:
                return joined(node)
            source = argument(node, 0, "input")
            if kind.role is not Role.moving or node in self._fused or not isinstance(source, fx.Node):
                break
            node = source
        return node.name

    def _kind(self, node: fx.Node) -> str:
        kind = kind_of(node, self.modules)
        return kind.name if kind else ""

    def carried(self, node: fx.Node, quantizers: set[str]) -> str | None:
        """Return which of ``quantizers`` (module paths) gave the values of ``node`` their grid, or None."""
        if node.op == "call_module" and node.target in quantizers:
            return str(node.target)
        kind = kind_of(node, self.modules) if node.target not in quantizers else None
        if kind is None or kind.role not in (Role.moving, Role.joining):
            return None
        sources: Any = argument(node, 0, kind.names[0])
        sources = [sources] if isinstance(sources, fx.Node) else [x for x in sources or () if isinstance(x, fx.Node)]
        found = {self.carried(source, quantizers) for source in sources}
        return found.pop() if len(found) == 1 else None


def joined(node: fx.Node) -> str:
    """Return the name under which the inputs of a concatenation share a scale."""
    return f"joined by {node.name}"
