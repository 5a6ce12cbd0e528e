"""A model's graph by torch.export, which runs the model's own Python code on stand-ins of the example inputs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils import _pytree as pytree

from quark_fx.passes.in_place import without_mutation


def exported(model: nn.Module, inputs: tuple[Any, ...] | Mapping[str, Any], axes: tuple[int, ...]) -> fx.GraphModule:
    """Return the graph of ``model`` for inputs whose sizes along ``axes`` are open; raises what torch.export raises."""
    args, kwargs = ((), dict(inputs)) if isinstance(inputs, Mapping) else (tuple(inputs), {})
    args, kwargs = _at_least_two((args, kwargs), axes)
    shapes: Any = pytree.tree_map(lambda x: _open(x, axes), kwargs or args)
    with torch.no_grad():
        program = torch.export.export(model, args, kwargs, dynamic_shapes=shapes, strict=False)
    try:
        return _plain(program, type(model).__name__)
    except ValueError:
        # Slower, and it splits some operators; but it finds a pure form of whatever changes a view.
        with warnings.catch_warnings():
            # torch warns of what it does itself.
            warnings.simplefilter("ignore", FutureWarning)
            return _plain(program.run_decompositions({}), type(model).__name__)


def _plain(program: torch.export.ExportedProgram, name: str) -> fx.GraphModule:
    module = program.module()
    for node in list(module.graph.nodes):
        if node.op == "call_module" and node.target == "_guards_fn":
            module.graph.erase_node(node)
    # A module of torch.export refuses train() and eval(); a GraphModule of the same graph does not.
    # Copies by pickle trace the graph's code anew, which torch.export's own tracer cannot.
    module.graph._tracer_cls = None  # noqa: SLF001  # has no public name
    graph = fx.GraphModule(module, module.graph, name)
    without_mutation(graph)
    return graph


def _open(value: Any, axes: tuple[int, ...]) -> Any:
    if not isinstance(value, Tensor):
        return None
    return {axis: torch.export.Dim.AUTO for axis in axes if axis < value.dim() and value.shape[axis] > 1}


def _at_least_two(inputs: Any, axes: tuple[int, ...]) -> Any:
    # torch.export takes a size of 1 for a constant; where only some inputs have it, it is one that broadcasts.
    tensors = [x for x in pytree.tree_leaves(inputs) if isinstance(x, Tensor)]
    for axis in axes:
        if all(x.shape[axis] == 1 for x in tensors if axis < x.dim()):
            inputs = pytree.tree_map_only(Tensor, partial(_twice, axis=axis), inputs)
    return inputs


def _twice(x: Tensor, axis: int) -> Tensor:
    return torch.cat([x, x], axis) if axis < x.dim() else x
