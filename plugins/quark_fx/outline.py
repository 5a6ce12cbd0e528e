"""Describes a graph: its operators with their edges, and the modules that they came from."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from quark_core.engine.authoring import outline_modules
from quark_core.plugin import LayerOutline, Outline, TensorOutline
from quark_fx.graph import Graph, joined
from quark_fx.kinds import Role
from quark_fx.operators import Operator, Parameter, Unknown, groups_of, parameters_of
from quark_fx.values import shape_of


def outline_graph(graph: Graph, model: nn.Module) -> Outline:
    """Return every operator of ``graph``, in its order, behind the modules of ``model`` that hold them."""
    return _Outliner(graph, model).outline()


class _Outliner:
    def __init__(self, graph: Graph, model: nn.Module) -> None:
        self._graph, self._model = graph, model
        self._storages: dict[int, str] = {}
        for name, parameter in graph.module.named_parameters(remove_duplicate=False):
            self._storages.setdefault(id(parameter), name)
        self._counted: set[int] = set()
        self._fresh: set[str] = set()
        self._weight_of: dict[str, Parameter | None] = {}

    def outline(self) -> Outline:
        """Operators count parameters first, modules what is left of them."""
        operators = [self._node(found) for found in self._graph.nodes]
        inner = list(self._inner())
        taken = {layer.name for layer in (*operators, *inner)}
        modules = [self._module(*item) for item in self._model.named_modules() if item[0] not in taken]
        return Outline((*modules, *inner, *operators))

    def _node(self, found: Operator | Unknown) -> LayerOutline:
        if isinstance(found, Unknown):
            own = parameters_of(found.node, self._graph.modules)
            unknown = f"{found.types[0]} is not known to graph mode"
            return LayerOutline(
                found.name, found.types, (), sum(map(self._count, own)), unknown, operator=found.types[-1]
            )
        own = parameters_of(found.node, self._graph.modules)
        parameters = sum(map(self._count, own))
        tensors = (*self._weights(found, own), *self._activations(found))
        reason = None
        if parameters and found.kind.role is not Role.weighted:
            reason = f"the parameters of {found.kind.name} have no quantized form"
        request = found.kind.role is Role.activation and self._graph.options.operators != "all"
        kind = found.kind.name
        return LayerOutline(found.name, found.types, tensors, parameters, reason, on_request=request, operator=kind)

    def _count(self, parameter: Parameter) -> int:
        held = self._graph.module.get_parameter(parameter.path)
        if id(held) in self._counted:
            return 0
        self._counted.add(id(held))
        self._fresh.add(parameter.path)
        return held.numel()

    def _weights(self, op: Operator, own: list[Parameter]) -> Iterator[TensorOutline]:
        again = self._is_further_call(op)
        for role, parameter in (("weight", op.weight), ("bias", op.bias)):
            if parameter is None or parameter not in own or again:
                continue
            held = self._graph.module.get_parameter(parameter.path)
            axes = (op.kind.channel_axis, op.kind.group_axis) if role == "weight" else (0, 0)
            yield TensorOutline(
                role,
                parameter.name,
                shape=tuple(held.shape),
                channel_axis=axes[0],
                group_axis=axes[1],
                storage=self._storages[id(held)],
                elements=held.numel() if parameter.path in self._fresh else 0,
            )

    def _is_further_call(self, op: Operator) -> bool:
        self._weight_of[op.name] = op.weight
        first, _, number = op.name.rpartition(".call")
        return number.isdecimal() and self._weight_of.get(first) == op.weight

    def _activations(self, op: Operator) -> Iterator[TensorOutline]:
        if op.kind.role is Role.moving:
            return
        axis, graph = op.kind.activation_axis, self._graph
        for name, source in op.inputs:
            yield TensorOutline(
                "input",
                name,
                shape=shape_of(source),
                channel_axis=axis,
                group_axis=axis,
                group_length=self._length(op),
                value=source.name,
                grid=graph.grid(source),
                joined=joined(op.node) if op.kind.role is Role.joining else None,
            )
        if op.kind.role is not Role.joining:
            result = graph.result(op)
            yield TensorOutline(
                "output",
                "output",
                shape=shape_of(result),
                channel_axis=axis,
                group_axis=axis,
                value=result.name,
                grid=result.name,
            )

    def _length(self, op: Operator) -> int | None:
        if op.weight is None or op.kind.name == "embedding":
            return None
        held = self._graph.module.get_parameter(op.weight.path)
        groups = groups_of(op, self._graph.modules.get(op.weight.owner))
        return int(held.shape[op.kind.group_axis] * (groups if op.kind.group_axis == 1 else 1))

    def _inner(self) -> Iterator[LayerOutline]:
        """Yield what lies within the modules that the graph keeps whole."""
        if not self._graph.inner:
            return
        for layer in outline_modules(self._graph.module).layers:
            parts = layer.name.split(".")
            if any(".".join(parts[:count]) in self._graph.inner for count in range(1, len(parts) + 1)):
                for tensor in layer.tensors:
                    if tensor.storage:
                        self._counted.add(id(self._graph.module.get_parameter(tensor.storage)))
                yield layer

    def _module(self, name: str, module: nn.Module) -> LayerOutline:
        own = [p for p in module.parameters(recurse=False) if id(p) not in self._counted]
        self._counted |= {id(p) for p in own}
        here = {id(p) for p in self._graph.module.parameters()}
        parameters = sum(p.numel() for p in own if id(p) in here)
        types = tuple(
            cls.__name__ for cls in type(module).__mro__ if issubclass(cls, nn.Module) and cls is not nn.Module
        )
        reason = f"{type(module).__name__} has no quantized form" if parameters else None
        return LayerOutline(name, types or ("Module",), (), parameters, reason)
