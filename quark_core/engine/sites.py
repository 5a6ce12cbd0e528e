"""The layers of a converted model that a device may compute itself: found, and replaced, in modules and in graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor, fx, nn

from quark_core.engine.convolutions import Convolution, convolution, convolution_of
from quark_core.engine.finding import quantizer_at, quantizer_behind
from quark_core.engine.marks import Note, argument, attribute, note
from quark_core.engine.modules.layers import QuantizedLayer
from quark_core.engine.modules.operators import operator_of
from quark_core.engine.modules.own_code import own_code
from quark_core.engine.quantizer import Quantizer
from quark_core.plugin.adjustment import LayerPath

_CONVOLUTIONS = ("conv1d", "conv2d", "conv3d")


@dataclass(frozen=True)
class Site:
    """One layer that multiplies its input with a weight, as a converted model has it."""

    layer: str
    """Its name in the plan."""
    kind: str
    """``linear``, ``conv1d``, ``conv2d`` or ``conv3d``."""
    weight: Tensor
    """``[out, in / groups, ...]``, the quantized values."""
    bias: Tensor | None
    """``[out]``."""
    weight_quantizer: Quantizer | None
    """None where the weight stays float."""
    input_quantizer: Quantizer | None
    """That on whose grid the values that come in lie; None where they are float."""
    how: Convolution | None
    """How a convolution walks; None for linear layers."""


Made = tuple[nn.Module, LayerPath] | LayerPath
"""What computes a layer and how, or how the layer computes that stays as it is."""


def lower_layers(model: nn.Module, make: Callable[[Site], Made]) -> nn.Module:
    """Return ``model``, changed in place, with what ``make`` gives in place of its linear layers and convolutions.

    ``make`` returns a module from input to output, floating point with the shapes of the layer, and a LayerPath, or a
    LayerPath alone for a layer that is to stay. The module may get values that are quantized already, or that are not:
    it quantizes them itself, on the grid of ``input_quantizer``. Its outputs are quantized where the plan says so.
    ``layer_paths`` of the result says how each layer computes. Layers that cannot be replaced, such as those whose
    class computes more than its kind of layer does, stay ``simulated``, with the reason.
    """
    paths: dict[str, LayerPath] = {}
    for name, module in list(model.named_modules()):
        if _is_layer(model, module):
            site = _site_of(name, cast("nn.Linear", module))
            new = _made(site, _why_not(model, name, module), make, paths)
            model = model if new is None else _put(model, module, new)
    if isinstance(model, fx.GraphModule):
        _lower_nodes(model, make, paths)
    result: Any = model
    result.layer_paths = paths
    return model


def _made(site: Site, why: str | None, make: Callable[[Site], Made], paths: dict[str, LayerPath]) -> nn.Module | None:
    made = LayerPath("simulated", why) if why else make(site)
    paths[site.layer] = made if isinstance(made, LayerPath) else made[1]
    return None if isinstance(made, LayerPath) else made[0]


def _is_layer(model: nn.Module, module: nn.Module) -> bool:
    operator = operator_of(module)
    if operator is None or operator.name not in ("linear", *_CONVOLUTIONS):
        return False
    if isinstance(model, fx.GraphModule):
        # Nodes compute the others, of which a graph may keep the parameters only.
        return isinstance(module, QuantizedLayer)
    return any(quantizer_at(module, tensor) for tensor in ("weight", "bias", "input", "output"))


def _site_of(name: str, module: nn.Linear) -> Site:
    operator = operator_of(module)
    kind = operator.name if operator else ""
    quantizers = (quantizer_at(module, "weight"), quantizer_at(module, "input"))
    return Site(name, kind, module.weight, module.bias, *quantizers, convolution_of(module))


def _why_not(model: nn.Module, name: str, module: nn.Module) -> str | None:
    if isinstance(model.get_submodule(name.rpartition(".")[0]), nn.MultiheadAttention):
        return "attention reads the parameters of its projection"
    return _own(module)


def _own(module: nn.Module) -> str | None:
    if not isinstance(module, nn.Linear):
        why = own_code(module)
        return why or (None if convolution_of(module) else "it does more than to pad with zeros and to convolve")
    return own_code(module, nn.Linear)


def _put(model: nn.Module, old: nn.Module, new: nn.Module) -> nn.Module:
    """Return ``model`` with ``new``, and the quantizer of the output, wherever ``old`` stood."""
    placed = Replaced(new, cast("nn.Linear", old), quantizer_at(old, "output")).train(old.training)
    if model is old:
        return placed
    for name, module in list(model.named_modules(remove_duplicate=False)):
        if module is old:
            model.set_submodule(name, placed)
    return model


class Replaced(nn.Module):
    """What stands where a layer of a model stood, with the quantizer of its output."""

    def __init__(self, layer: nn.Module, old: nn.Linear, output: Quantizer | None) -> None:
        super().__init__()
        self.layer, self.output_quantizer = layer, output
        # Models may look at the parameters of their layers, if only to learn a dtype.
        self.weight, self.bias = old.weight, old.bias

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # as in torch.nn.Linear
        """Return the layer's result, quantized where its output is."""
        result: Tensor = self.layer(input)
        return result if self.output_quantizer is None else self.output_quantizer(result)


def _lower_nodes(graph: fx.GraphModule, make: Callable[[Site], Made], paths: dict[str, LayerPath]) -> None:
    for node, found in list(_nodes(graph)):
        why = _why_no_node(graph, node, found)
        new = _made(_site_at(graph, node, found), why, make, paths)
        if new is not None:
            _call(graph, node, new)
    graph.recompile()


def _nodes(graph: fx.GraphModule) -> Iterator[tuple[fx.Node, Note]]:
    for node in graph.graph.nodes:
        found = note(node)
        if found and found.layer is not None and found.weight and found.kind in ("linear", *_CONVOLUTIONS):
            yield node, found


def _site_at(graph: fx.GraphModule, node: fx.Node, found: Note) -> Site:
    owner, _, name = str(found.weight).rpartition(".")
    return Site(
        str(found.layer),
        found.kind,
        graph.get_parameter(str(found.weight)),
        None if found.bias is None else attribute(graph, found.bias),
        quantizer_at(graph.get_submodule(owner), name),
        quantizer_behind(argument(node, 0, "input"), graph),
        convolution(node, graph),
    )


def _why_no_node(graph: fx.GraphModule, node: fx.Node, found: Note) -> str | None:
    if node.op == "call_module":
        return _own(graph.get_submodule(str(node.target)))
    if found.bias is None and argument(node, 2, "bias") is not None:
        return "its bias is computed by the model"
    if found.kind != "linear" and convolution(node, graph) is None:
        return "it does more than to pad with zeros and to convolve"
    return None


def _call(graph: fx.GraphModule, node: fx.Node, new: nn.Module) -> None:
    """Let ``node`` call ``new``; the quantizer before it stays, since codes of its results are those of its input."""
    target = f"lowered_{node.name}"
    graph.add_submodule(target, new.train(graph.training))
    with graph.graph.inserting_before(node):
        made = graph.graph.call_module(target, (argument(node, 0, "input"),))
    # The marks say whose output this is, which replays look for.
    made.meta = dict(node.meta)
    node.replace_all_uses_with(made)
    graph.graph.erase_node(node)
