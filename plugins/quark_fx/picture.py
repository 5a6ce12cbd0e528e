"""Draws a graph as it is quantized: its quantizers are put in, and each edge is told by the one before it."""

from __future__ import annotations

import operator
from collections.abc import Iterator

from torch import Tensor, fx, nn

from quark_core.engine.authoring import Quantizer
from quark_core.plugin import LayerPlan, Picture, PictureEdge, PictureNode, Plan, Settings
from quark_fx.graph import Graph
from quark_fx.insert import insert
from quark_fx.kinds import Role
from quark_fx.operators import Operator, Unknown
from quark_fx.recognize import kind_of
from quark_fx.values import KEY, is_float, shape_of


def picture_of(graph: Graph, plan: Plan) -> Picture:
    """Return ``graph`` quantized as ``plan`` says; changes ``graph``, as ``insert`` does, and raises what that does."""
    painter = _Painter(graph, plan)
    insert(graph, plan)
    return painter.picture()


class _Painter:
    """Reads the operators before the quantizers come, which are calls of modules too."""

    def __init__(self, graph: Graph, plan: Plan) -> None:
        self._graph, self._layers = graph, {layer.name: layer for layer in plan.layers}
        self._found = {found.node: found for found in graph.nodes}
        operators = [found for found in graph.nodes if isinstance(found, Operator)]
        self._fused = {graph.result(op): op for op in operators if graph.result(op) is not op.node}
        self._values = {source for op in operators for _, source in op.inputs}
        # Quantized from within, a module has another class.
        self._inner = {path: type(graph.modules[path]).__name__ for path in graph.inner}
        dtypes = {p.dtype for p in graph.module.parameters() if p.is_floating_point()}
        self._float = _dtype(dtypes.pop()) if len(dtypes) == 1 else "float"
        self._names: dict[fx.Node, str] = {}
        self._quantizers: dict[str, Quantizer] = {}

    def picture(self) -> Picture:
        """Return the picture; quantizers are in the graph by now."""
        modules: dict[str, nn.Module] = dict(self._graph.module.named_modules())
        self._quantizers = {path: m for path, m in modules.items() if isinstance(m, Quantizer)}
        nodes: list[PictureNode] = []
        edges: dict[PictureEdge, None] = {}
        for node in self._graph.module.graph.nodes:
            if (drawn := self._node(node)) is not None:
                self._names[node] = drawn.name
                nodes.append(drawn)
                edges.update(dict.fromkeys(self._edges(node)))
            elif (whole := self._whole_of(node)) is not None:
                self._names[node] = self._names[whole]
        return Picture(tuple(nodes), tuple(edges))

    def _node(self, node: fx.Node) -> PictureNode | None:
        """Return how a node is drawn, or None for quantizers, weights, sizes, integers and what is fused."""
        if node.op in ("placeholder", "output"):
            return PictureNode(self._free(str(node.target)), _END[node.op], look="end")
        if node.op == "get_attr":
            return PictureNode(self._free(str(node.target)), "parameter", look="end") if node in self._values else None
        if node.target in self._quantizers or not _gives_float(node) or self._whole_of(node) is not None:
            return None
        if self._kind(node) is Role.moving:
            return PictureNode(self._free(node.name), self._called(node), look="moving")
        if (found := self._found.get(node)) is not None:
            return self._operator(found)
        return self._kept(node)

    def _whole_of(self, node: fx.Node) -> fx.Node | None:
        """Return the node as a part of which another is drawn: a fused ReLU, and what is taken out of a tuple."""
        if node in self._fused:
            return self._fused[node].node
        source = node.args[0] if node.target is operator.getitem else None
        if not isinstance(source, fx.Node) or not isinstance(node.args[1], int) or not is_float(node):
            return None
        return source if source in self._names and (source.target in self._inner or _is_many(source)) else None

    def _kind(self, node: fx.Node) -> Role | None:
        kind = kind_of(node, self._graph.modules)
        return kind.role if kind else None

    def _operator(self, found: Operator | Unknown) -> PictureNode:
        layer = self._layers.get(found.name)
        name = found.name
        if isinstance(found, Unknown):
            return PictureNode(name, self._called(found.node), note="unknown to graph mode")
        kind = found.kind.name + (" + relu" if found in self._fused.values() else "")
        if layer is None or not layer.tensors:
            return PictureNode(name, kind, note=layer.reason if layer else "")
        return PictureNode(name, kind, _stored(layer), layer.reason, "quantized")

    def _kept(self, node: fx.Node) -> PictureNode:
        """Return how a module is drawn that the graph keeps whole, or a function that nothing is known of."""
        if node.target not in self._inner:
            return PictureNode(self._free(node.name), self._called(node))
        path = str(node.target)
        inside = [x for name, x in self._layers.items() if x.tensors and f"{name}.".startswith(f"{path}.")]
        count = sum(len(layer.tensors) for layer in inside)
        note = f"kept whole, {count} tensors quantized in it" if count else "kept whole"
        name, kind = self._free(path), self._inner[path]
        return PictureNode(name, kind, _stored(inside[0]) if inside else "", note, "quantized" if count else "float")

    def _called(self, node: fx.Node) -> str:
        if node.op == "call_module":
            return type(self._graph.module.get_submodule(str(node.target))).__name__
        packet = getattr(node.target, "overloadpacket", node.target)
        return packet if isinstance(packet, str) else str(getattr(packet, "__name__", node.name))

    def _free(self, name: str) -> str:
        # Operators keep their names, under which tables and patterns know them.
        taken = {*self._names.values(), *(found.name for found in self._found.values())}
        chosen, count = name, 1
        while chosen in taken:
            count += 1
            chosen = f"{name} ({count})"
        return chosen

    def _edges(self, target: fx.Node) -> Iterator[PictureEdge]:
        for value in target.all_input_nodes:
            yield from self._edge(value, self._names[target])
        for last, op in self._fused.items():
            if op.node is target:
                yield from (e for v in last.all_input_nodes if v is not target for e in self._edge(v, op.name))

    def _edge(self, value: fx.Node, target: str) -> Iterator[PictureEdge]:
        path = self._graph.carried(value, set(self._quantizers))
        source = value
        while source.target in self._quantizers:
            source = source.all_input_nodes[0]
        if source in self._names:
            tensor = self._quantizers[path].tensor if path else None
            carries = short(tensor.settings) if tensor else self._plain(value)
            yield PictureEdge(self._names[source], target, carries, shape_of(value), tensor.key if tensor else "")
        elif _is_tensor(source) and source.op != "get_attr":
            # What computes with integers is not drawn; what it came from is.
            for before in source.all_input_nodes:
                yield from self._edge(before, target)

    def _plain(self, value: fx.Node) -> str:
        if (known := value.meta.get(KEY)) is not None:
            return _dtype(known[1])
        if isinstance(traced := value.meta.get("val"), Tensor):
            return _dtype(traced.dtype)
        return self._float if is_float(value) else "integers"


_SPLITS = ("chunk", "split", "split_with_sizes", "tensor_split", "unbind")
_END = {"placeholder": "input", "output": "output"}


def short(settings: Settings) -> str:
    """Return what a picture says of settings: dtype, scheme and size of its parts, and what is not the usual."""
    parts = [settings.dtype.name]
    if settings.qscheme is not None:
        parts.append(settings.qscheme.value)
    if settings.group_size is not None:
        parts.append(str(settings.group_size))
    if settings.block_size is not None:
        parts.append("x".join(map(str, settings.block_size)))
    if not settings.symmetric:
        parts.append("asym")
    if settings.is_dynamic and not settings.dtype.is_block:
        parts.append("dynamic")
    return " ".join(parts)


def _stored(layer: LayerPlan) -> str:
    parts = [(t.role, short(t.settings)) for t in layer.tensors if t.role in ("weight", "bias")]
    return ", ".join(text if role == "weight" else f"{role} {text}" for role, text in parts)


def _dtype(dtype: object) -> str:
    return str(dtype).removeprefix("torch.")


def _is_tensor(node: fx.Node) -> bool:
    return node.meta.get(KEY) is not None or isinstance(node.meta.get("val"), Tensor)


def _gives_float(node: fx.Node) -> bool:
    """Return whether a node gives a floating-point tensor, or several."""
    return is_float(node) or any(user.target is operator.getitem and is_float(user) for user in node.users)


def _is_many(node: fx.Node) -> bool:
    """Return whether a node gives a tuple of tensors."""
    if KEY in node.meta or "val" in node.meta:
        return not _is_tensor(node)
    packet = getattr(node.target, "overloadpacket", node.target)
    return (packet if isinstance(packet, str) else getattr(packet, "__name__", "")) in _SPLITS
