"""The mode itself: a model becomes a torch.fx.GraphModule, and quantizers stand on the edges of its graph."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from quark_core.engine.authoring import quantizers
from quark_core.errors import ModelError
from quark_core.plugin import Adjustment, ExampleInputs, GraphPass, Outline, Picture, Plan
from quark_fx import FxOptions
from quark_fx.graph import Graph
from quark_fx.insert import insert
from quark_fx.outline import outline_graph
from quark_fx.picture import picture_of


class FxGraph:
    """Quantizes the graph of a model."""

    def __init__(self, options: FxOptions) -> None:
        self._options = options
        self._last: tuple[nn.Module, Graph] | None = None
        self._passes: Sequence[GraphPass] = ()
        self._changes: Sequence[Adjustment] = ()

    def use_passes(self, passes: Sequence[GraphPass]) -> None:
        """Run ``passes``, of the device, on each graph after those of this mode."""
        self._passes = tuple(passes)

    def changes(self) -> Sequence[Adjustment]:
        """Return what the passes changed in the last graph."""
        return self._changes

    def outline(self, model: nn.Module, example_inputs: ExampleInputs) -> Outline:
        """Describe every operator of the graph, and the modules that hold them."""
        if (left := next(quantizers(model), None)) is not None:
            raise ModelError(f"{left.tensor.layer or 'the model'} is quantized already; give the original float model")
        graph = self._traced(model, example_inputs)
        # Tracing is most of the work, and prepare comes next, for the same model.
        self._last = (model, graph)
        return outline_graph(graph, model)

    def prepare(self, model: nn.Module, plan: Plan, example_inputs: ExampleInputs) -> nn.Module:
        """Return a GraphModule with a quantizer at each tensor of the plan that has one of its own."""
        return insert(self._graph(model, example_inputs), plan)

    def picture(self, model: nn.Module, plan: Plan, example_inputs: ExampleInputs) -> Picture:
        """Return the graph with what each edge carries; ``model`` is changed as by ``prepare``."""
        return picture_of(self._graph(model, example_inputs), plan)

    def _graph(self, model: nn.Module, inputs: ExampleInputs) -> Graph:
        last, self._last = self._last, None
        return last[1] if last is not None and last[0] is model else self._traced(model, inputs)

    def _traced(self, model: nn.Module, inputs: ExampleInputs) -> Graph:
        graph = Graph.of(model, inputs, self._options, self._passes)
        self._changes = tuple(graph.changes)
        return graph

    def convert(self, prepared: nn.Module) -> nn.Module:
        """Return ``prepared``: with its scales fixed it is the final model."""
        return prepared
