"""Puts the quantizers of a plan into a graph: at its parameters, and on its edges."""

from __future__ import annotations

from torch import fx, nn

from quark_core.engine.authoring import SUFFIX, Note, Quantizer, replace_modules, set_note, set_result
from quark_core.errors import ModelError
from quark_core.plugin import LayerPlan, Plan, TensorPlan
from quark_fx.graph import Graph
from quark_fx.kinds import Role
from quark_fx.operators import Operator
from quark_fx.recognize import kind_of

_OWN = {"nn_module_stack", "quark_note", "quark_result"}
"""What is said of the operator itself, and not of its value."""

HOLDER = "quantizers"
"""The submodule of the graph module that holds the quantizers of its edges."""


def insert(graph: Graph, plan: Plan) -> fx.GraphModule:
    """Change ``graph`` to what ``plan`` says and return its module; raise ModelError for a plan of another model."""
    _Inserter(graph).insert(plan)
    return graph.module


class _Inserter:
    def __init__(self, graph: Graph) -> None:
        self._graph, self._nodes = graph, graph.module.graph
        self._operators = {found.name: found for found in graph.nodes if isinstance(found, Operator)}
        self._stored: dict[str, Quantizer] = {}
        self._paths: dict[str, str] = {}
        """Key of a tensor -> path of the quantizer that serves it."""
        self._behind: dict[fx.Node, fx.Node] = {}
        """A value -> the same quantized, where its operator's output is."""
        self._ends = list(graph.module.graph.find_nodes(op="placeholder"))[-1:]
        self._holder = HOLDER
        while hasattr(graph.module, self._holder):
            self._holder += "_"

    def insert(self, plan: Plan) -> None:
        self._note()
        inner = [layer for layer in plan.layers if layer.tensors and layer.name not in self._operators]
        self._replace(inner)
        layers = [layer for layer in plan.layers if layer.tensors and layer.name in self._operators]
        tensors = [(self._operators[layer.name], tensor) for layer in layers for tensor in layer.tensors]
        holder = nn.Module()
        for op, tensor in tensors:
            if tensor.role in ("weight", "bias"):
                self._at_parameter(op, tensor)
            elif tensor.shared is None:
                self._paths[tensor.key] = self._hold(holder, tensor)
        if self._paths:
            self._graph.module.add_module(self._holder, holder)
        for op, tensor in tensors:
            if tensor.role == "output":
                self._at_output(op, tensor)
        for op, tensor in tensors:
            if tensor.role == "input":
                self._at_input(op, tensor)
        self._nodes.lint()
        self._graph.module.recompile()

    def _note(self) -> None:
        """Mark the nodes with what they compute, for devices and replays."""
        known = {op.node: op for op in self._operators.values() if op.kind.role is not Role.moving}
        for node in self._nodes.nodes:
            op, kind = known.get(node), kind_of(node, self._graph.modules)
            if kind is None:
                continue
            weight, bias = (op.weight, op.bias) if op else (None, None)
            found = Note(
                kind.name,
                op.name if op else None,
                kind.role is Role.moving,
                kind.inputs,
                kind.names,
                weight.path if weight else None,
                bias.path if bias else None,
            )
            set_note(node, found)
        for op in known.values():
            set_result(self._graph.result(op), op.name)

    def _replace(self, layers: list[LayerPlan]) -> None:
        known = set(self._graph.modules)
        for layer in layers:
            if layer.name not in known:
                raise ModelError(f"the plan has a layer {layer.name!r} that this model does not have")
        if layers:
            replace_modules(self._graph.module, Plan(tuple(layers)))

    def _at_parameter(self, op: Operator, tensor: TensorPlan) -> None:
        place = op.weight if tensor.role == "weight" else op.bias
        if place is None:
            raise ModelError(f"{tensor.key}: the plan was made for another model")
        quantizer = self._stored.get(tensor.storage or "") or Quantizer(tensor)
        if tensor.storage:
            self._stored[tensor.storage] = quantizer
        owner, name = self._graph.module.get_submodule(place.owner), place.name + SUFFIX
        if getattr(owner, name, quantizer) is not quantizer:
            raise ModelError(f"{place.owner}: it has an attribute {name!r} already; rename that")
        owner.add_module(name, quantizer)

    def _hold(self, holder: nn.Module, tensor: TensorPlan) -> str:
        name = tensor.key.replace(".", "_")
        while hasattr(holder, name):
            name += "_"
        holder.add_module(name, Quantizer(tensor))
        return f"{self._holder}.{name}"

    def _at_output(self, op: Operator, tensor: TensorPlan) -> None:
        node = self._graph.result(op)
        users = list(node.users)
        quantized = self._call(tensor, node)
        for user in users:
            user.replace_input_with(node, quantized)
        set_result(quantized, op.name)
        set_result(node, None)
        self._behind[node] = quantized

    def _at_input(self, op: Operator, tensor: TensorPlan) -> None:
        source = next((node for name, node in op.inputs if name == tensor.name), None)
        if source is None:
            raise ModelError(f"{tensor.key}: the plan was made for another model")
        source = self._behind.get(source, source)
        path = self._path(tensor)
        if self._graph.carried(source, set(self._paths.values())) == path:
            return
        there = next((user for user in source.users if user.op == "call_module" and user.target == path), None)
        op.node.replace_input_with(source, there or self._call(tensor, source))

    def _call(self, tensor: TensorPlan, node: fx.Node) -> fx.Node:
        after = self._ends[0] if node.op == "placeholder" else node
        with self._nodes.inserting_after(after):
            made = self._nodes.call_module(self._path(tensor), (node,))
        made.meta = {key: value for key, value in node.meta.items() if key not in _OWN}
        return made

    def _path(self, tensor: TensorPlan) -> str:
        return self._paths[tensor.shared or tensor.key]
