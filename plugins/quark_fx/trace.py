"""From a model to its graph: torch.fx symbolic trace, or torch.export where that fails."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils import _pytree as pytree

from quark_core.engine.authoring import is_operator
from quark_core.errors import ModelError
from quark_core.plugin import ExampleInputs
from quark_fx import FxOptions
from quark_fx.catalog import MODULES


def trace(model: nn.Module, inputs: ExampleInputs, options: FxOptions) -> fx.GraphModule:
    """Return the graph of ``model``; ``inputs`` (positional or named arguments of forward) are needed by torch.export.

    Parameters are those of ``model`` itself. Raises ModelError, which says what stopped the trace and what to do.
    """
    failures: list[str] = []
    if options.trace in ("auto", "symbolic"):
        tracer = _Tracer(options.leaves)
        try:
            return fx.GraphModule(model, tracer.trace(model), type(model).__name__)
        except Exception as error:  # noqa: BLE001  # a model's own code may raise anything when it meets a proxy
            failures.append(f"torch.fx stopped {_where(error, tracer)}")
    if options.trace in ("auto", "export"):
        if inputs is None:
            failures.append("torch.export needs example inputs, and there are none")
        else:
            try:
                return _exported(model, inputs, options.dynamic_axes)
            except Exception as error:  # noqa: BLE001  # as above
                failures.append(f"torch.export stopped {_where(error)}")
    raise ModelError(
        f"{type(model).__name__} cannot be traced. {'. '.join(failures)}. Keep the module around that call whole "
        "(mode: {name: fx_graph_mode, leaves: [its path or class]})"
        + (", give example inputs (calibration data)" if inputs is None else "")
        + ", or use mode: eager_mode, which needs no trace"
    )


class _Tracer(fx.Tracer):
    """Keeps whole what torch.nn offers, subclasses of its operators, and the leaves of the options."""

    def __init__(self, leaves: tuple[str, ...] = ()) -> None:
        super().__init__(param_shapes_constant=True)
        self._leaves = set(leaves)
        self.path = ""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        self.path = module_qualified_name
        names = {module_qualified_name, *(cls.__name__ for cls in type(m).__mro__)}
        return (
            bool(names & self._leaves)
            or is_operator(m)
            or isinstance(m, tuple(MODULES))
            or super().is_leaf_module(m, module_qualified_name)
        )


def _exported(model: nn.Module, inputs: tuple[Any, ...] | Mapping[str, Any], axes: tuple[int, ...]) -> fx.GraphModule:
    args, kwargs = ((), dict(inputs)) if isinstance(inputs, Mapping) else (tuple(inputs), {})
    args, kwargs = pytree.tree_map_only(Tensor, lambda x: _at_least_two(x, axes), (args, kwargs))
    shapes: Any = pytree.tree_map(lambda x: _open(x, axes), kwargs or args)
    program = torch.export.export(model, args, kwargs, dynamic_shapes=shapes, strict=False)
    exported = program.module()
    for node in list(exported.graph.nodes):
        if node.op == "call_module" and node.target == "_guards_fn":
            exported.graph.erase_node(node)
    # A module of torch.export refuses train() and eval(); a GraphModule of the same graph does not.
    return fx.GraphModule(exported, exported.graph, type(model).__name__)


def _open(value: Any, axes: tuple[int, ...]) -> Any:
    if not isinstance(value, Tensor):
        return None
    return {axis: torch.export.Dim.AUTO for axis in axes if axis < value.dim()}


def _at_least_two(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    # torch.export takes a size of 1 for a constant.
    for axis in axes:
        if axis < x.dim() and x.shape[axis] == 1:
            x = torch.cat([x, x], axis)
    return x


def _where(error: Exception, tracer: _Tracer | None = None) -> str:
    """Return where in the model's own code the trace stopped, and why."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not _is_torch(f.filename)]
    frame = frames[-1] if frames else None
    inside = f" inside {tracer.path!r}" if tracer is not None and tracer.path else ""
    place = f" at {Path(frame.filename).name}:{frame.lineno}, `{frame.line}`" if frame else ""
    cause = next((line for line in str(error).splitlines() if line.strip()), "")
    return f"{inside}{place}: {type(error).__name__}: {cause}".strip()


def _is_torch(file: str) -> bool:
    return file.startswith((str(Path(torch.__file__).parent), "<")) or file == __file__
