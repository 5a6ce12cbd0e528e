"""Reads a converted graph once: what of it is computed on integers, and why the rest is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import fx

from quark_core.engine.authoring import Note, Quantizer, note, quantizer_called, quantizers
from quark_core.plugin import LayerPath
from quark_ipu.accumulators import Accumulators
from quark_ipu.positions import Grid
from quark_ipu.rules import step
from quark_ipu.sites import Form, Site, Step

_INTEGER = LayerPath("integer", "8-bit operands, 32-bit sums, a shift that rounds")


@dataclass
class Program:
    """What is known of the nodes of a graph before it runs."""

    graph: fx.GraphModule
    accumulators: Accumulators = field(default_factory=Accumulators)
    forms: dict[fx.Node, Form] = field(default_factory=dict)
    """The values that are integers."""
    steps: dict[fx.Node, Step] = field(default_factory=dict)
    grids: dict[fx.Node, Grid] = field(default_factory=dict)
    """The nodes that quantize to 8-bit codes."""
    paths: dict[str, LayerPath] = field(default_factory=dict)

    @staticmethod
    def of(graph: fx.GraphModule) -> Program:
        """Read ``graph``; raises DeviceError where sums do not fit 32 bits, or scales are no powers of two."""
        made = Program(graph)
        for node in graph.graph.nodes:
            quantizer = quantizer_called(node, graph)
            if quantizer is not None:
                made._quantizer(node, quantizer)
            elif (found := note(node)) is not None:
                made._operator(node, found)
        made._inner()
        return made

    def _quantizer(self, node: fx.Node, quantizer: Quantizer) -> None:
        grid = Grid.of(quantizer)
        if grid is not None:
            self.grids[node] = grid
            self.forms[node] = Form(grid.position, max(-grid.low, grid.high), codes=True)

    def _operator(self, node: fx.Node, found: Note) -> None:
        made = step(Site(node, found, self.graph, self.forms, self.accumulators))
        if isinstance(made, Step):
            self.steps[node], self.forms[node] = made, made.form
        if found.layer is not None:
            self.paths[found.layer] = LayerPath("float", made) if isinstance(made, str) else _INTEGER

    def _inner(self) -> None:
        """Note the layers within modules that graph mode keeps whole."""
        for quantizer in quantizers(self.graph):
            whole = LayerPath("float", "it is inside a module that the graph keeps whole")
            self.paths.setdefault(quantizer.tensor.layer, whole)


def keys(program: Program) -> Mapping[fx.Node, str]:
    """Return how the codes of each quantizing node are called: the tensor's key, numbered from the second call on."""
    found: dict[fx.Node, str] = {}
    count: dict[str, int] = {}
    for node, grid in program.grids.items():
        number = count[grid.key] = count.get(grid.key, 0) + 1
        found[node] = grid.key if number == 1 else f"{grid.key}.call{number}"
    return found
