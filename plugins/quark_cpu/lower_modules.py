"""Lowers models of modules: each quantized layer becomes one with a kernel, or keeps its weight packed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, fx, nn

from quark_core.engine.authoring import Quantizer, convolution_of, own_code, parameter_quantizers, quantizer_at
from quark_core.plugin import LayerPath
from quark_cpu.fits import NARROW, no_input_kernel, no_weight_kernel, weight_codes
from quark_cpu.grids import grid_of
from quark_cpu.kernels import ConvKernel, LinearKernel
from quark_cpu.layers import DynamicLinear, KernelConv, KernelLinear, Requantized
from quark_cpu.packed import PackedRows, pack


def lower_modules(model: nn.Module) -> nn.Module:
    """Return ``model``, changed in place; its ``layer_paths`` say how each quantized layer computes."""
    work = _Lowering(model)
    for name, module in work.quantized():
        work.lower(name, module)
    result: Any = work.root
    result.layer_paths = work.paths
    return work.root


def lower_inner(model: fx.GraphModule) -> dict[str, LayerPath]:
    """Lower the layers within the modules that a graph keeps whole, in place; return how they compute."""
    work = _Lowering(model)
    for name, module in work.quantized():
        # What a graph calls by itself is none of these layers, which have quantizers of their inputs within.
        if hasattr(module, "layer_name"):
            work.lower(name, module)
    return work.paths


@dataclass
class _Lowering:
    root: nn.Module
    paths: dict[str, LayerPath] = field(default_factory=dict)

    def quantized(self) -> list[tuple[str, nn.Module]]:
        """Return the modules that have quantizers, by their first name."""
        modules = self.root.named_modules()
        return [(name, m) for name, m in modules if any(isinstance(child, Quantizer) for child in m.children())]

    def lower(self, name: str, module: nn.Module) -> None:
        weight = quantizer_at(module, "weight")
        if isinstance(module, nn.Embedding) and weight is not None:
            self._put(name, module, _embedding(module, weight), LayerPath("dequantized", "rows of packed codes"))
        elif narrow := _narrow(module):
            for parameter, quantizer in narrow:
                pack(module, parameter, quantizer)
            self.paths[name] = LayerPath("dequantized", f"packed {narrow[0][1].settings.dtype.name}")
        elif (why := self._no_kernel(name, module)) is not None:
            self.paths[name] = LayerPath("simulated", why)
        else:
            made, kernel = _kernel_layer(module)
            self._put(name, module, made, LayerPath("kernel", kernel))

    def _no_kernel(self, name: str, module: Any) -> str | None:
        kinds: tuple[Any, ...] = (nn.Linear, nn.Conv1d, nn.Conv2d)
        cls = next((cls for cls in kinds if isinstance(module, cls)), None)
        if cls is None:
            return f"there is no kernel for {type(module).__name__.removeprefix('Quantized')}"
        if (own := own_code(module, *([nn.Linear] if cls is nn.Linear else []))) is not None:
            return own
        parent = self.root.get_submodule(name.rpartition(".")[0])
        if isinstance(parent, nn.MultiheadAttention):
            return "attention reads the parameters of its projection"
        if cls is not nn.Linear and convolution_of(module) is None:
            return "it does more than to pad with a fixed number of zeros and to convolve"
        source = quantizer_at(module, "input")
        dynamic = isinstance(module, nn.Linear)
        weight = no_weight_kernel(quantizer_at(module, "weight"), module.weight.dtype)
        return weight or no_input_kernel(source.settings if source else None, dynamic=dynamic)

    def _put(self, name: str, old: nn.Module, new: nn.Module, path: LayerPath) -> None:
        self.paths[name] = path
        new.train(old.training)
        if old is self.root:
            self.root = new
            return
        for other, module in list(self.root.named_modules(remove_duplicate=False)):
            if module is old:
                self.root.set_submodule(other, new)


def _narrow(module: nn.Module) -> list[tuple[str, Quantizer]]:
    """Return the weights of a module, if they are of few bits."""
    own = [
        (name, q) for owner, name, q in parameter_quantizers(module) if owner is module and q.tensor.role == "weight"
    ]
    return own if own and all(q.settings.dtype.format.bits <= NARROW for _, q in own) else []


def _embedding(module: nn.Embedding, quantizer: Quantizer) -> nn.Module:
    rows, columns = module.weight.shape
    made = PackedRows(quantizer, (rows, columns), module.weight.dtype)
    output = quantizer_at(module, "output")
    return made if output is None else Requantized(made, output)


def _kernel_layer(module: Any) -> tuple[nn.Module, str]:
    weight, source, output = (quantizer_at(module, name) for name in ("weight", "input", "output"))
    if weight is None or source is None:
        raise ValueError("a kernel needs a quantized weight and input")
    codes, scale = weight_codes(weight, tuple(module.weight.shape))
    bias: Tensor | None = None if module.bias is None else module.bias.detach()
    grid, how = grid_of(source), convolution_of(module)
    made: nn.Module
    if grid is None or source.settings.is_dynamic:
        made = DynamicLinear(codes, scale, bias, source.settings)
    elif how is not None:
        made = KernelConv(codes, scale, bias, how=how, grid=grid)
    else:
        made = KernelLinear(codes, scale, bias, grid)
    name = ConvKernel.name(how) if how is not None else LinearKernel.name
    return (made if output is None else Requantized(made, output)), name
