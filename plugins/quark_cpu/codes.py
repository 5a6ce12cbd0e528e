"""The integer codes in a graph: which values have them, how they are moved, who makes and who reads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import fx, nn

from quark_core.engine.authoring import Quantizer, argument, note, result_of, set_codes, set_result
from quark_cpu.grids import Grid, grid_of, is_one_scale
from quark_cpu.hoist import moves_codes, quantizer_of
from quark_cpu.integer_layers import ToCodes, ToValues

_JOINING = ("cat", "stack")

MakeLayer = Callable[[Sequence[Grid], "Grid | None", bool], nn.Module]
"""Makes a layer from the grids of its inputs, that of its output (None: floats) and whether a ReLU is in it."""


class Codes:
    """Writes integer codes into a graph beside its floating-point values, which fall away where nobody reads them."""

    def __init__(self, model: fx.GraphModule) -> None:
        self._model, self._graph = model, model.graph
        self._modules: dict[str, Any] = dict(model.named_modules())
        self._quantizers = {name: m for name, m in self._modules.items() if isinstance(m, Quantizer)}
        self._twins: dict[fx.Node, tuple[fx.Node, Grid]] = {}

    def quantizer_behind(self, node: Any) -> Quantizer | None:
        """Return the quantizer whose codes, moved or not, the values of a node are."""
        quantizer = quantizer_of(node, self._quantizers)
        if quantizer is not None:
            return quantizer
        kind = kind_of(node)
        if kind in _JOINING:
            found = {self.quantizer_behind(item) for item in _items(node)}
            return found.pop() if len(found) == 1 else None
        moved = kind == "relu" or moves_codes(node, self._modules)
        source = argument(node, 0, "input") if moved else None
        return self.quantizer_behind(source) if isinstance(source, fx.Node) else None

    def replace(self, node: fx.Node, module: nn.Module, *args: fx.Node) -> None:
        """Let ``module`` compute the value of ``node`` from ``args``."""
        made = self._call(node, module, *args)
        set_result(made, result_of(node))
        node.replace_all_uses_with(made)

    def gives_codes(self, node: fx.Node) -> bool:
        """Return whether a quantizer with one fixed scale alone reads ``node``, or its ReLU."""
        return self._end(node)[2] is not None

    def kernel(self, node: fx.Node, inputs: Sequence[fx.Node], make: MakeLayer) -> None:
        """Let the layer of ``make`` compute ``node`` from the codes of ``inputs``; it gives codes to a quantizer."""
        twins = [self._twin(item) for item in inputs]
        sources = [source for source, _ in twins]
        last, end, out = self._end(node)
        layer = make([grid for _, grid in twins], out, last is not node)
        if end is None or out is None:
            self.replace(last, layer, *sources)
            return
        made = self._call(end, layer, *sources)
        self._mark(made, result_of(end) or result_of(last), out)
        self._twins[end] = made, out

    def finish(self) -> None:
        """Let what still reads the floating-point values of codes read dequantized ones, and drop what nobody reads."""
        for node, (twin, grid) in self._twins.items():
            if quantizer_of(node, self._quantizers) is not None:
                node.replace_all_uses_with(self._call(twin, ToValues(grid), twin))
        self._graph.eliminate_dead_code()
        self._model.delete_all_unused_submodules()
        self._graph.lint()

    def _end(self, node: fx.Node) -> tuple[fx.Node, fx.Node | None, Grid | None]:
        """Return ``node`` or its ReLU, the quantizer that alone reads that, and its grid; None where there is none."""
        last = _fused(node)
        end = _only_user(last)
        out = self._grid_at(end) if end is not None else None
        if kind_of(last) == "relu6" and (out is None or not out.reaches(6.0)):
            # Where codes go beyond 6, saturation does not stand in for the operator.
            return node, None, None
        return last, end, out

    def _grid_at(self, node: fx.Node) -> Grid | None:
        quantizer = quantizer_of(node, self._quantizers)
        return grid_of(quantizer) if quantizer is not None and is_one_scale(quantizer.settings) else None

    def _twin(self, node: fx.Node) -> tuple[fx.Node, Grid]:
        """Return the node with the codes of ``node``'s values, made where there is none yet."""
        if node not in self._twins:
            grid = self._grid_at(node)
            if grid is not None:
                made = self._call(node, ToCodes(grid), *node.all_input_nodes)
            else:
                made, grid = self._moved(node)
            self._mark(made, result_of(node), grid)
            self._twins[node] = made, grid
        return self._twins[node]

    def _moved(self, node: fx.Node) -> tuple[fx.Node, Grid]:
        kind = kind_of(node)
        if kind in _JOINING:
            twins = {item: self._twin(item) for item in _items(node)}
        else:
            source = argument(node, 0, "input")
            twins = {source: self._twin(source)}
        grid = next(iter(twins.values()))[1]
        with self._graph.inserting_after(node):
            if kind == "relu":
                made = self._graph.call_function(torch.clamp, (next(iter(twins.values()))[0], grid.zero_point))
            elif kind == "max_pool":
                made = self._pooled(node, next(iter(twins.values()))[0])
            else:
                made = self._graph.node_copy(node, lambda item: twins[item][0] if item in twins else item)
        return made, grid

    def _pooled(self, node: fx.Node, codes: fx.Node) -> fx.Node:
        # torch pools bytes only where an image has fewer than 128 positions; as floats codes are just as exact.
        values = self._graph.call_method("float", (codes,))
        made = self._graph.node_copy(node, lambda item: values if item is argument(node, 0, "input") else item)
        last = self._graph.call_method("to", (made, torch.uint8))
        node.append(values)
        values.append(made)
        made.append(last)
        return last

    def _mark(self, node: fx.Node, layer: str | None, grid: Grid) -> None:
        set_result(node, layer)
        set_codes(node, grid.scale, grid.zero_point)

    def _call(self, after: fx.Node, module: nn.Module, *args: fx.Node) -> fx.Node:
        name = f"{after.name}_{type(module).__name__}"
        while hasattr(self._model, name):
            name += "_"
        self._model.add_module(name, module)
        with self._graph.inserting_after(after):
            return self._graph.call_module(name, args)


def kind_of(node: Any) -> str:
    """Return the kind of operator that a node is; empty where that is not known."""
    found = note(node) if isinstance(node, fx.Node) else None
    return found.kind if found else ""


def _items(node: fx.Node) -> list[fx.Node]:
    items = argument(node, 0, "tensors")
    return [item for item in items if isinstance(item, fx.Node)] if isinstance(items, list | tuple) else []


def _only_user(node: fx.Node) -> fx.Node | None:
    users = list(node.users)
    return users[0] if len(users) == 1 else None


def _fused(node: fx.Node) -> fx.Node:
    """Return the ReLU or ReLU6 that alone reads a node, or the node itself."""
    user = _only_user(node)
    return user if user is not None and kind_of(user) in ("relu", "relu6") else node
