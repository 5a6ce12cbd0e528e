"""Runs a model once and shows the output of each layer, whatever kind of model it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor, fx, nn

from quark_core.engine.marks import codes_of, result_of
from quark_core.plugin.devices import Replays, See
from quark_core.plugin.protocols import ExampleInputs


def replay(model: nn.Module, inputs: ExampleInputs, see: See, layers: Iterable[str]) -> Any:
    """Return the result of ``model``, after showing ``see`` the output of each of ``layers``.

    Graphs of graph mode tell it by their marks; other models by the modules that have the layers' names, of which the
    first tensor of a tuple is shown.
    """
    if isinstance(model, Replays):
        return model.replay(inputs, see)
    if isinstance(model, fx.GraphModule) and any(result_of(node) for node in model.graph.nodes):
        return _Marked(model, see, set(layers)).run(*_positional(model, inputs))
    return _hooked(model, inputs, see, layers)


class _Marked(fx.Interpreter):
    def __init__(self, model: fx.GraphModule, see: See, layers: set[str]) -> None:
        super().__init__(model)
        self._see, self._layers = see, layers

    def run_node(self, n: fx.Node) -> Any:
        value, layer = super().run_node(n), result_of(n)
        if layer is None or layer not in self._layers or not isinstance(value, Tensor):
            return value
        codes = codes_of(n)
        if codes is None:
            seen = self._see(layer, value)
            return value if seen is None else seen
        scale, zero_point = codes
        seen = self._see(layer, (value.float() - zero_point) * scale)
        if seen is None:
            return value
        raise ValueError(f"{layer}: codes cannot be replaced in a replay")


def _positional(graph: fx.GraphModule, inputs: ExampleInputs) -> tuple[Any, ...]:
    if not isinstance(inputs, Mapping):
        return tuple(inputs or ())
    nodes = graph.graph.find_nodes(op="placeholder")
    return tuple(inputs.get(str(node.target), node.args[0] if node.args else None) for node in nodes)


def _hooked(model: nn.Module, inputs: ExampleInputs, see: See, layers: Iterable[str]) -> Any:
    modules = dict(model.named_modules())
    handles = [modules[name].register_forward_hook(_hook(name, see)) for name in layers if name in modules]
    try:
        return model(**inputs) if isinstance(inputs, Mapping) else model(*(inputs or ()))
    finally:
        for handle in handles:
            handle.remove()


def _hook(name: str, see: See) -> Any:
    def hook(_module: nn.Module, _args: Any, output: Any) -> Any:
        several = isinstance(output, tuple) and bool(output)
        value = output[0] if several else output
        seen = see(name, value) if isinstance(value, Tensor) else None
        if seen is None:
            return None
        return (seen, *output[1:]) if several else seen

    return hook


__all__ = ["replay"]
