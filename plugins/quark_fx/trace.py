"""From a model to its graph: torch.fx symbolic trace, or torch.export where that fails."""

from __future__ import annotations

import difflib
import inspect
import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils import _pytree as pytree

from quark_core.engine.authoring import is_operator
from quark_core.errors import ModelError
from quark_core.plugin import ExampleInputs
from quark_fx import FxOptions
from quark_fx.exported import exported
from quark_fx.failures import where
from quark_fx.passes.in_place import without_mutation
from quark_fx.recognize import class_of
from quark_fx.values import annotate


def trace(model: nn.Module, inputs: ExampleInputs, options: FxOptions) -> fx.GraphModule:
    """Return the graph of ``model``; ``inputs`` (positional or named arguments of forward) are needed by torch.export.

    No value of the graph is changed in place, and of each it is known what it is, see ``values``. Parameters are those
    of ``model`` itself. Raises ModelError, which says what stopped the trace and what to do.
    """
    _check_leaves(model, options.leaves)
    inputs = _own(model, inputs)
    failures: list[str] = []
    if options.trace in ("auto", "symbolic"):
        try:
            return _symbolic(model, inputs, options.leaves)
        except Exception as error:  # noqa: BLE001  # a model's own code may raise anything when it meets a proxy
            failures.append(f"torch.fx stopped{where(error, model)}")
    if options.trace in ("auto", "export"):
        if options.leaves:
            failures.append("torch.export keeps no module whole, as leaves asks for")
        elif inputs is None:
            failures.append("torch.export needs example inputs, and there are none")
        else:
            try:
                return exported(model, inputs, options.dynamic_axes)
            except Exception as error:  # noqa: BLE001  # as above
                failures.append(f"torch.export stopped{where(error, model)}")
    raise ModelError(
        f"{type(model).__name__} cannot be traced. {'. '.join(failures)}. Keep the module around that call whole "
        "(mode: {name: fx_graph_mode, leaves: [its path or class]})"
        + (", give example inputs (calibration data)" if inputs is None else "")
        + ", or use mode: eager_mode, which needs no trace"
    )


def _check_leaves(model: nn.Module, leaves: tuple[str, ...]) -> None:
    known: set[str] = set()
    for path, module in model.named_modules():
        known |= {path, *(cls.__name__ for cls in type(module).__mro__)}
    for leaf in leaves:
        if leaf not in known:
            near = " or ".join(repr(name) for name in difflib.get_close_matches(leaf, sorted(known), 3))
            hint = f"did you mean {near}?" if near else "give the path or the class of a module"
            raise ModelError(f"leaves: {leaf!r} is no module and no class of {type(model).__name__}; {hint}")


def _own(model: nn.Module, inputs: ExampleInputs) -> Any:
    """Return copies of ``inputs`` where the model is; some models work in place on what they are given."""
    device = next((tensor.device for tensor in (*model.parameters(), *model.buffers())), torch.device("cpu"))
    return pytree.tree_map_only(Tensor, lambda x: x.detach().to(device, copy=True), inputs)


def _symbolic(model: nn.Module, inputs: Any, leaves: tuple[str, ...]) -> fx.GraphModule:
    constants = _constants(model, inputs)
    graph = _Tracer(leaves).trace(model, constants)
    _rename(graph, constants)
    module = fx.GraphModule(model, graph, type(model).__name__)
    annotate(module, inputs)
    without_mutation(module)
    return module


def _constants(model: nn.Module, inputs: Any) -> dict[str, Any]:
    """Return the arguments of forward that are no tensors: defaults that no input takes the place of, flags, None."""
    parameters = inspect.signature(model.forward).parameters.values()
    plain = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    given = inputs if isinstance(inputs, Mapping) else dict(zip((p.name for p in plain), inputs or (), strict=False))
    values = {p.name: given.get(p.name, p.default) for p in plain}
    return {name: value for name, value in values.items() if value is None or isinstance(value, bool | str)}


def _rename(graph: fx.Graph, constants: dict[str, Any]) -> None:
    # torch.fx numbers the arguments that it holds constant; callers know them by their names.
    for node in graph.find_nodes(op="placeholder"):
        name, _, number = str(node.target).rpartition("_")
        if name in constants and number.isdecimal():
            node.target = name


class _Proxy(fx.Proxy):
    """Keeps what works in place apart from what gives a new value; torch.fx takes the one for the other."""

    def __iadd__(self, other: Any) -> Any:
        return self._call(operator.iadd, other)

    def __isub__(self, other: Any) -> Any:
        return self._call(operator.isub, other)

    def __imul__(self, other: Any) -> Any:
        return self._call(operator.imul, other)

    def __itruediv__(self, other: Any) -> Any:
        return self._call(operator.itruediv, other)

    def _call(self, function: Callable[..., Any], other: Any) -> Any:
        return self.tracer.create_proxy("call_function", function, (self, other), {})


class _Tracer(fx.Tracer):
    """Keeps whole what torch.nn offers, subclasses of its operators, and the leaves of the options."""

    def __init__(self, leaves: tuple[str, ...] = ()) -> None:
        super().__init__(param_shapes_constant=True)
        self._leaves = set(leaves)

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _Proxy(node, self)

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        names = {module_qualified_name, *(cls.__name__ for cls in type(m).__mro__)}
        return (
            bool(names & self._leaves)
            or is_operator(m)
            or class_of(m) is not None
            or super().is_leaf_module(m, module_qualified_name)
        )
