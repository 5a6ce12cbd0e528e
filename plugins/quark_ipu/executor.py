"""Runs a converted graph in integers: what the IPU computes, on the host."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils import _pytree as pytree

from quark_core.engine.authoring import note, result_of
from quark_core.errors import DeviceError
from quark_core.plugin import ExampleInputs, LayerPath, See
from quark_ipu.arithmetic.moving import by_bytes
from quark_ipu.arithmetic.rounding import TIES, requantize
from quark_ipu.positions import Grid
from quark_ipu.program import Program, keys
from quark_ipu.sites import Step

Codes = dict[str, tuple[Tensor, int]]


class Executor(nn.Module):
    """Computes what the IPU would: 8-bit codes, 32-bit sums, and a shift with rounding at each quantizer.

    Takes and returns floating-point tensors, as the converted model does, and runs on the CPU. Operators that are not
    quantized, and those that the IPU does not have, run in floating point in between; ``layer_paths`` tells them.
    """

    def __init__(self, model: fx.GraphModule) -> None:
        super().__init__()
        self.model = _on_host(model)
        self.program = Program.of(self.model)
        _check_rounding(self.program)

    @property
    def layer_paths(self) -> Mapping[str, LayerPath]:
        """How each layer computes: in integers, or in floating point and why."""
        return self.program.paths

    @property
    def wide_layers(self) -> tuple[str, ...]:
        """Layers whose sums may reach 2^24, which float32 does not add exactly.

        Where sums are as long as the input is large (global averages, products of activations), known after a run.
        """
        return tuple(self.program.accumulators.wide)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the IPU would return, as floating-point tensors."""
        return _Run(self.program).on(kwargs or args)

    def replay(self, inputs: ExampleInputs, see: See) -> Any:
        """Run once and return the result; show ``see`` the output of each layer, as floating-point values."""
        return _Run(self.program, see=see).on(inputs or ())

    def codes(self, *args: Any, **kwargs: Any) -> Codes:
        """Run once; return the codes of each quantized activation (int8 or uint8) and their position, by tensor key."""
        run = _Run(self.program, keys=keys(self.program))
        run.on(kwargs or args)
        return run.codes


@dataclass(frozen=True)
class _Fixed:
    """Integers, each of which stands for itself times 2^-position; a tuple of tensors behind chunk and its like."""

    integers: Any
    position: int

    def value(self) -> Any:
        return pytree.tree_map_only(Tensor, lambda x: x.to(torch.float32) * 2.0**-self.position, self.integers)


class _Run(fx.Interpreter):
    def __init__(self, program: Program, see: See | None = None, keys: Mapping[fx.Node, str] | None = None) -> None:
        super().__init__(program.graph)
        self._program, self._see, self._keys = program, see, keys or {}
        self.codes: Codes = {}

    def on(self, inputs: Any) -> Any:
        """Run on positional or named inputs, on the host; the result goes back to where they were."""
        first = next((x for x in pytree.tree_leaves(inputs) if isinstance(x, Tensor)), None)
        host = pytree.tree_map_only(Tensor, Tensor.cpu, inputs)
        with torch.no_grad():
            found = self.run(*positional(self._program.graph, host))
        return found if first is None else pytree.tree_map_only(Tensor, lambda x: x.to(first.device), found)

    def run_node(self, n: fx.Node) -> Any:
        value = self._computed(n)
        layer = result_of(n)
        if self._see is None or layer is None:
            return value
        seen = self._see(layer, value.value() if isinstance(value, _Fixed) else value)
        if seen is not None and isinstance(value, _Fixed):
            raise ValueError(f"{layer}: codes cannot be replaced in a replay")
        return value if seen is None else seen

    def _computed(self, n: fx.Node) -> Any:
        if n in self._program.grids:
            return self._quantized(n, self._program.grids[n])
        step = self._program.steps.get(n)
        if step is not None:
            return self._stepped(n, step)
        return self._call(n, _integers if _asks_shape(n) else _floating)

    def _quantized(self, n: fx.Node, grid: Grid) -> _Fixed:
        source: Any = self.env[n.all_input_nodes[0]]
        if isinstance(source, _Fixed):
            shift = source.position - grid.position
            found = requantize(source.integers, shift, grid.method, grid.low, grid.high)
        else:
            # What comes from outside is in floating point; quantized values are codes times a power of two.
            value: Tensor = self._call(n, _floating)
            found = (value * 2.0**grid.position).to(torch.int32)
        if n in self._keys:
            self.codes[self._keys[n]] = (found.to(grid.dtype), grid.position)
        return _Fixed(found, grid.position)

    def _stepped(self, n: fx.Node, step: Step) -> _Fixed:
        given = [self.env[source] for source in step.sources]
        at = given[0].position if step.moves else step.form.position
        if step.position_of is not None:
            at = step.position_of(given[0].integers)
        if step.run is not None:
            return _Fixed(step.run(*(each.integers for each in given)), at)
        if step.in_bytes:
            return _Fixed(by_bytes(given[0].integers, lambda x: self._call(n, _integers, {step.sources[0]: x})), at)
        return _Fixed(self._call(n, _integers), at)

    def _call(self, n: fx.Node, read: Callable[[Any], Any], instead: Mapping[fx.Node, Any] | None = None) -> Any:
        """Run the operator itself on what ``read`` makes of its arguments."""

        def value(source: fx.Node) -> Any:
            return (instead or {}).get(source, read(self.env[source]))

        args, kwargs = fx.map_arg(n.args, value), fx.map_arg(n.kwargs, value)
        return getattr(self, n.op)(n.target, args, kwargs)


def _floating(value: Any) -> Any:
    return value.value() if isinstance(value, _Fixed) else value


def _integers(value: Any) -> Any:
    return value.integers if isinstance(value, _Fixed) else value


_SIZES = {"size", "dim", "numel", "ndimension", "sym_size", "len"}


def _asks_shape(n: fx.Node) -> bool:
    """Return whether a node reads nothing but the shape of a value."""
    if note(n) is not None or n.op not in ("call_method", "call_function"):
        return False
    if n.target is getattr:
        return n.args[1] in ("shape", "ndim")
    name = n.target if isinstance(n.target, str) else str(getattr(n.target, "__name__", ""))
    return name.split(".")[0] in _SIZES


def positional(graph: fx.GraphModule, inputs: Any) -> tuple[Any, ...]:
    """Return the inputs of a graph, positional or by name, in the order of its placeholders."""
    if not isinstance(inputs, Mapping):
        return tuple(inputs)
    nodes = graph.graph.find_nodes(op="placeholder")
    return tuple(inputs.get(str(node.target), node.args[0] if node.args else None) for node in nodes)


def _on_host(model: fx.GraphModule) -> fx.GraphModule:
    there = any(x.device.type != "cpu" for x in (*model.parameters(), *model.buffers()))
    return copy.deepcopy(model).cpu() if there else model


def _check_rounding(program: Program) -> None:
    for grid in program.grids.values():
        if grid.method not in TIES:
            raise DeviceError(f"{grid.key}: the IPU has no rounding {grid.method!r}; write round_method: half_even")


__all__ = ["Codes", "Executor", "positional"]
