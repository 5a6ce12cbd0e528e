"""Lowers graphs: integer codes flow from layer to layer, and the layers compute in kernels."""

from __future__ import annotations

from collections.abc import Sequence

from torch import fx, nn

from quark_core.engine.authoring import Quantizer, argument, convolution, note, own_code, parameter_quantizers
from quark_core.plugin import LayerPath
from quark_cpu.codes import Codes
from quark_cpu.fits import NARROW, no_input_kernel, no_weight_kernel, weight_codes
from quark_cpu.grids import Grid
from quark_cpu.hoist import hoist, quantizer_of
from quark_cpu.integer_layers import CodesAdd, CodesConv, CodesLinear
from quark_cpu.kernels import AddKernel, ConvKernel, LinearKernel
from quark_cpu.layers import DynamicLinear
from quark_cpu.lower_modules import lower_inner
from quark_cpu.packed import PackedRows, pack
from quark_cpu.sums import is_float32, no_sum_kernel, terms
from quark_cpu.weights import Weighted, weighted


def lower_graph(model: fx.GraphModule) -> fx.GraphModule:
    """Return ``model``, changed in place; its ``layer_paths`` say how each layer computes."""
    hoist(model)
    lowering = _Lowering(model)
    lowering.run()
    model.layer_paths = lowering.paths  # type: ignore[assignment]  # nn.Module takes any attribute
    return model


class _Lowering:
    def __init__(self, model: fx.GraphModule) -> None:
        self._model, self._codes, self._float32 = model, Codes(model), is_float32(model)
        self._packed: list[tuple[str, str, Quantizer]] = []
        self.paths: dict[str, LayerPath] = {}

    def run(self) -> None:
        self.paths |= lower_inner(self._model)
        for node in list(self._model.graph.nodes):
            found = note(node)
            layer = weighted(self._model, node, found) if found else None
            if layer is not None:
                self.paths[layer.layer] = self._layer(layer)
            elif found is not None and found.layer is not None:
                self.paths[found.layer] = self._operator(node, found.kind)
        for owner, name, quantizer in self._packed:
            pack(self._model.get_submodule(owner), name, quantizer)
        self._codes.finish()
        self._model.recompile()

    def _layer(self, layer: Weighted) -> LayerPath:
        quantizer = layer.quantizer
        if layer.kind == "embedding" and quantizer is not None:
            self._embedding(layer, quantizer)
            return LayerPath("dequantized", "rows of packed codes")
        if quantizer is not None and quantizer.settings.dtype.format.bits <= NARROW:
            self._pack(quantizer)
            return LayerPath("dequantized", f"packed {quantizer.settings.dtype.name}")
        if (why := self._no_kernel(layer)) is not None:
            return LayerPath("simulated", why)
        return self._kernel(layer)

    def _operator(self, node: fx.Node, kind: str) -> LayerPath:
        if kind != "add":
            return LayerPath("simulated", f"there is no kernel for {kind}")
        if (why := no_sum_kernel(node, self._codes, float32=self._float32)) is not None:
            return LayerPath("simulated", why)

        def make(grids: Sequence[Grid], out: Grid | None, relu: bool) -> nn.Module:
            if out is None:
                raise ValueError(f"{node} gives no codes")
            return CodesAdd(grids[0], grids[1], out, relu=relu)

        self._codes.kernel(node, terms(node), make)
        return LayerPath("kernel", AddKernel.name)

    def _pack(self, quantizer: Quantizer) -> None:
        # Each owner of a tied weight, and each once.
        owners = {id(module): path for path, module in self._model.named_modules()}
        for module, name, held in parameter_quantizers(self._model):
            place = (owners[id(module)], name, held)
            if held is quantizer and place not in self._packed:
                self._packed.append(place)

    def _embedding(self, layer: Weighted, quantizer: Quantizer) -> None:
        node = layer.node
        aten = node.op == "call_function" and isinstance(node.args[0], fx.Node) and node.args[0].op == "get_attr"
        index = argument(node, 1 if aten else 0, "indices" if aten else "input")
        rows, columns = layer.weight.shape
        self._codes.replace(node, PackedRows(quantizer, (rows, columns), layer.weight.dtype), index)

    def _source(self, layer: Weighted) -> Quantizer | None:
        """Return the quantizer that gave the values of a layer's input their grid."""
        return self._codes.quantizer_behind(argument(layer.node, 0, "input"))

    def _no_kernel(self, layer: Weighted) -> str | None:
        if layer.kind not in ("linear", "conv1d", "conv2d"):
            return f"there is no kernel for {layer.kind}"
        if layer.has_other_bias:
            return "its bias is computed by the model"
        own: nn.Module | None = self._model.get_submodule(layer.owner[0]) if layer.node.op == "call_module" else None
        if own is not None and (more := own_code(own, *([nn.Linear] if layer.kind == "linear" else []))) is not None:
            return more
        if layer.kind != "linear" and convolution(layer.node, self._model) is None:
            return "it does more than to pad with a fixed number of zeros and to convolve"
        source = self._source(layer)
        weight = no_weight_kernel(layer.quantizer, layer.weight.dtype)
        return weight or no_input_kernel(source.settings if source else None, dynamic=layer.kind == "linear")

    def _kernel(self, layer: Weighted) -> LayerPath:
        source = self._source(layer)
        if layer.quantizer is None or source is None:
            raise ValueError(f"{layer.layer} has no quantizers")
        codes, scale = weight_codes(layer.quantizer, tuple(layer.weight.shape))
        if source.settings.is_dynamic:
            made = DynamicLinear(codes, scale, layer.bias, source.settings)
            self._codes.replace(layer.node, made, self._raw(layer.node))
            return LayerPath("kernel", LinearKernel.name)
        how = convolution(layer.node, self._model) if layer.kind != "linear" else None

        def make(grids: Sequence[Grid], out: Grid | None, relu: bool) -> nn.Module:
            if how is None:
                return CodesLinear(codes, scale, layer.bias, grid=grids[0], out=out, relu=relu)
            return CodesConv(codes, scale, layer.bias, how=how, grid=grids[0], out=out, relu=relu)

        self._codes.kernel(layer.node, [argument(layer.node, 0, "input")], make)
        return LayerPath("kernel", LinearKernel.name if how is None else ConvKernel.name(how))

    def _raw(self, node: fx.Node) -> fx.Node:
        """Return the values before the dynamic quantizer of an input."""
        found = argument(node, 0, "input")
        if quantizer_of(found, dict(self._model.named_modules())) is None:
            raise ValueError(f"{node} has no quantizer of its own")
        source: fx.Node = found.args[0]
        return source
