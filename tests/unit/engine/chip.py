"""A made-up device that does all that a device may do, and a registry that has it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, fx, nn

from quark_core.engine.authoring import Quantizer, quantizers
from quark_core.errors import DeviceError
from quark_core.plugin import (
    Adjustment,
    DeviceSpec,
    DtypeSpec,
    IntFormat,
    LayerPath,
    Options,
    Plan,
    Ref,
    hookimpl,
)
from quark_core.registry import Registry
from tests.contract.acme import bundled_registry


class ChipOptions(Options):
    """A chip."""

    name: Literal["acme.chip"] = "acme.chip"
    bits: Literal["auto", "six", "eight"] = "auto"
    """Width of activations."""
    rewrites: bool = False
    """Whether graphs are rewritten."""
    noisy: bool = False
    """Whether its arithmetic adds noise."""
    proves: bool = True
    """Whether it has an executor."""


SIX = DtypeSpec("acme.int6", IntFormat(6), "6 bits.")


class Doubled:
    """Writes x + x where a graph has a ReLU of x."""

    name = "doubled"

    def __call__(self, graph: fx.GraphModule) -> list[Adjustment]:
        found = [node for node in graph.graph.nodes if isinstance(_module(graph, node), nn.ReLU)]
        for node in found:
            with graph.graph.inserting_after(node):
                made = graph.graph.call_function(torch.add, (node, node))
            made.meta = dict(node.meta)
            node.replace_all_uses_with(made, delete_user_cb=lambda user, made=made: user is not made)
        graph.recompile()
        return [Adjustment(str(node.target), "ReLU", "twice a ReLU", "it likes that") for node in found]


def _module(graph: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    return graph.get_submodule(str(node.target)) if node.op == "call_module" else None


class Final(nn.Module):
    """Runs a model, with a little noise at its end, and says how each layer computes."""

    def __init__(self, model: nn.Module, paths: dict[str, LayerPath], noise: float) -> None:
        super().__init__()
        self.model, self.layer_paths, self._noise = model, paths, noise

    def forward(self, *args: Any) -> Tensor:
        result: Tensor = self.model(*args)
        return result + self._noise

    def replay(self, inputs: Any, see: Any) -> Tensor:
        for layer in self.layer_paths:
            see(layer, torch.zeros(()))
        result: Tensor = self(*inputs)
        return result


class Chip:
    """Does everything."""

    seen: ClassVar[list[str]] = []

    def __init__(self, options: ChipOptions) -> None:
        self._options = options

    def unavailable(self) -> str | None:
        return None

    def resolve(self, *, lowering: bool) -> ChipOptions:
        bits = {"auto": "six" if lowering else "eight"}.get(self._options.bits, self._options.bits)
        return self._options.model_copy(update={"bits": bits})

    def refine(self, plan: Plan) -> tuple[Plan, Sequence[Adjustment]]:
        if self._options.bits != "six":
            return plan, ()
        changed = [tensor for tensor in plan.tensors() if tensor.role == "input"]
        layers = tuple(
            replace(
                layer,
                tensors=tuple(
                    replace(t, settings=replace(t.settings, dtype=SIX)) if t in changed else t for t in layer.tensors
                ),
            )
            for layer in plan.layers
        )
        return Plan(layers), [Adjustment(t.key, t.settings.dtype.name, SIX.name, "only six here") for t in changed]

    def passes(self) -> Sequence[Doubled]:
        return (Doubled(),) if self._options.rewrites else ()

    def adjust(self, prepared: nn.Module) -> list[Adjustment]:
        first = next((q for q in quantizers(prepared) if q.scale is not None), None)
        return [] if first is None else [self._widened(first)]

    def _widened(self, quantizer: Quantizer) -> Adjustment:
        assert quantizer.scale is not None
        quantizer.scale.mul_(2)
        return Adjustment(quantizer.key, "narrow", "wide", "twice is safe")

    def executor(self, model: nn.Module) -> nn.Module:
        if not self._options.proves:
            raise DeviceError("nothing to prove")
        return Final(model, {"0": LayerPath("integer", "by hand")}, float(self._options.noisy))

    def lower(self, model: nn.Module) -> nn.Module:
        return Final(copy.deepcopy(model), {"0": LayerPath("kernel", "chip_linear")}, float(self._options.noisy))


def chip_registry() -> Registry:
    """Return the bundled plugins and the chip."""
    module = ModuleType("quark_acme")

    @hookimpl
    def quark_devices() -> tuple[DeviceSpec, ...]:
        return (DeviceSpec(ChipOptions, Ref("tests.unit.engine.chip:Chip")),)

    @hookimpl
    def quark_dtypes() -> tuple[DtypeSpec, ...]:
        return (SIX,)

    module.__dict__.update(QUARK_API=1, quark_devices=quark_devices, quark_dtypes=quark_dtypes)
    registry = bundled_registry()
    registry.add(module, "acme", "quark-acme 0.1")
    return registry
