"""Compares the fake-quantized model with the integer executor, code for code."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx
from torch.utils import _pytree as pytree

from quark_core.engine.authoring import Quantizer, note, quantizer_called
from quark_ipu.executor import Codes, Executor, positional
from quark_ipu.positions import Grid
from quark_ipu.program import keys


@dataclass(frozen=True)
class Difference:
    """A tensor of which some codes are not the same."""

    tensor: str
    codes: int
    """How many differ."""
    largest: int
    """Largest difference."""


@dataclass(frozen=True)
class Proof:
    """What comparing gave; it holds when nothing differs."""

    tensors: int
    """Quantized activations that were compared."""
    codes: int
    """Values in them."""
    differing: tuple[Difference, ...]
    wide: tuple[str, ...]
    """Layers whose sums may reach 2^24: there the fake-quantized side summed and quantized in float64."""

    @property
    def holds(self) -> bool:
        """Whether every code of every tensor is the same."""
        return not self.differing


def prove(model: fx.GraphModule, executor: Executor, *args: Any, **kwargs: Any) -> Proof:
    """Run both on the same inputs and compare the codes of every quantized activation.

    ``model`` is the converted one that ``executor`` was made of. It computes in float32 as it is, but where sums may
    reach 2^24, which float32 does not add exactly, in float64.
    """
    found = executor.codes(*args, **kwargs)
    wide = executor.wide_layers
    expected = _Simulated(model, executor, frozenset(wide)).codes_of(kwargs or args)
    pairs = [(key, expected[key][0], codes) for key, (codes, _) in found.items()]
    return Proof(
        tensors=len(pairs),
        codes=sum(codes.numel() for _, _, codes in pairs),
        differing=tuple(each for pair in pairs if (each := _difference(*pair))),
        wide=wide,
    )


def _difference(tensor: str, expected: Tensor, found: Tensor) -> Difference | None:
    apart = (expected.int() - found.int()).abs()
    return Difference(tensor, int((apart > 0).sum()), int(apart.max())) if bool(apart.any()) else None


class _Simulated(fx.Interpreter):
    """The converted model, with the sums of some layers in float64."""

    def __init__(self, model: fx.GraphModule, executor: Executor, wide: frozenset[str]) -> None:
        super().__init__(model)
        self._wide = wide
        self._grids = _grids(model)
        # The executor may have a copy of the model, whose nodes are others in the same order.
        self._keys: Mapping[fx.Node, str] = dict(zip(self._grids, keys(executor.program).values(), strict=True))
        self._codes: Codes = {}

    def codes_of(self, inputs: Any) -> Codes:
        with torch.no_grad():
            self.run(*positional(self._graph_module, inputs))
        return self._codes

    @property
    def _graph_module(self) -> fx.GraphModule:
        found: fx.GraphModule = self.module  # type: ignore[assignment]  # an Interpreter takes any module
        return found

    def run_node(self, n: fx.Node) -> Any:
        if n in self._keys:
            return self._quantized(n)
        found = note(n)
        args, kwargs = self.fetch_args_kwargs_from_env(n)
        if found is not None and found.layer in self._wide:
            return self._exact(n, args, kwargs)
        if found is None or not (found.moves or found.layer is None):
            args, kwargs = _cast((args, kwargs), torch.float64, torch.float32)
        return getattr(self, n.op)(n.target, args, kwargs)

    def _exact(self, n: fx.Node, args: Any, kwargs: Any) -> Any:
        args, kwargs = _cast((args, kwargs), torch.float32, torch.float64)
        if n.op != "call_module":
            return getattr(self, n.op)(n.target, args, kwargs)
        module = self.fetch_attr(str(n.target))
        return copy.deepcopy(module).double()(*args, **kwargs)

    def _quantized(self, n: fx.Node) -> Tensor:
        quantizer, x = self.fetch_attr(str(n.target)), self.env[n.all_input_nodes[0]]
        grid = self._grids[n]
        value = _rounded(x, quantizer, grid) if x.dtype == torch.float64 else quantizer(x)
        codes = (value.double() * 2.0**grid.position).to(grid.dtype).cpu()
        self._codes[self._keys[n]] = (codes, grid.position)
        return value.to(torch.float32) if x.dtype == torch.float64 else value


def _rounded(x: Tensor, quantizer: Quantizer, grid: Grid) -> Tensor:
    """Return ``x``, float64, quantized without a step in float32."""
    settings = quantizer.settings
    rounding = settings.rounding.impl.load()(settings.rounding_options)
    return rounding((x * 2.0**grid.position).clamp_(grid.low, grid.high)) * 2.0**-grid.position


def _cast(values: Any, before: torch.dtype, after: torch.dtype) -> Any:
    return pytree.tree_map_only(Tensor, lambda x: x.to(after) if x.dtype == before else x, values)


def _grids(model: fx.GraphModule) -> dict[fx.Node, Grid]:
    found = ((node, quantizer_called(node, model)) for node in model.graph.nodes)
    grids = ((node, Grid.of(quantizer)) for node, quantizer in found if quantizer is not None)
    return {node: grid for node, grid in grids if grid is not None}
