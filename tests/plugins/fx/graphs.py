"""What the tests of graph mode share: short calls, and a checker of edges with its own list of operators."""

from typing import Any

import torch
from torch import Tensor, fx, nn

from quark_core.engine.quantizer import Quantizer
from quark_core.engine.result import Result
from quark_core.plan import make_plan
from quark_core.plugin import Outline
from quark_core.plugin.plan import Plan
from quark_fx import FxOptions
from quark_fx.graph import Graph
from quark_fx.mode import FxGraph
from tests.unit.engine.sample_nets import INT8, ROWS8, config, run

ALL8 = {"weight": ROWS8, "input": INT8, "output": INT8}
IN8 = {"weight": ROWS8, "input": INT8}

_MOVING = (
    *("relu", "max_pool", "reshape", "view", "flatten", "transpose", "permute", "chunk", "split", "getitem", "pad"),
    *("contiguous", "expand", "slice", "select", "unsqueeze", "squeeze", "upsample_nearest", "ReLU(", "MaxPool"),
    *("Flatten", "ZeroPad", "interpolate", "boolean_dispatch", "fn", "t"),
)
_COMPUTING = ("conv", "linear", "add", "sub", "mul", "matmul", "bmm", "cat", "stack", "Conv", "Linear", "iadd")


def mode(**options: Any) -> dict[str, Any]:
    """Return graph mode as configs name it."""
    return {"name": "fx_graph_mode", **options}


def quantized(model: nn.Module, *batches: Any, options: dict[str, Any] | None = None, **parts: Any) -> Result:
    """Quantize ``model`` in graph mode."""
    return run(model, *batches, mode=mode(**(options or {})), **parts)


def outlined(model: nn.Module, *inputs: Any, **options: Any) -> Outline:
    """Return the outline of ``model``."""
    return FxGraph(FxOptions(**options)).outline(model.eval(), inputs or None)


def operators(outline: Outline) -> list[str]:
    """Return the names of what can be quantized, in order."""
    return [layer.name for layer in outline.layers if layer.tensors]


def planned(model: nn.Module, *inputs: Any, **parts: Any) -> Plan:
    """Return the plan of ``model``."""
    return make_plan(config(mode=mode(), **parts), outlined(model, *inputs))


def graph_of(model: nn.Module, *inputs: Any, **options: Any) -> fx.GraphModule:
    """Return the graph of ``model`` after the passes, without quantizers."""
    return Graph.of(model.eval(), inputs or None, FxOptions(**options)).module


def label(node: fx.Node, modules: dict[str, nn.Module]) -> str:
    """Return a word that says what a node does."""
    if node.op == "call_module":
        return f"{type(modules[str(node.target)]).__name__}("
    if isinstance(node.target, torch._ops.OpOverload):
        return str(node.target.overloadpacket.__name__)
    return node.target if isinstance(node.target, str) else str(getattr(node.target, "__name__", ""))


def labels(module: fx.GraphModule) -> list[str]:
    """Return what the nodes that compute do."""
    modules = dict(module.named_modules())
    return [label(node, modules).rstrip("(") for node in module.graph.nodes if node.op.startswith("call")]


def sources(node: fx.Node, modules: dict[str, nn.Module]) -> list[fx.Node]:
    """Return where the values of a node come from, through what moves and joins them."""
    word = label(node, modules)
    if word in ("cat", "stack"):
        given = node.args[0]
        given = [given] if isinstance(given, fx.Node) else given
        assert isinstance(given, list | tuple)
        return [origin for item in given if isinstance(item, fx.Node) for origin in sources(item, modules)]
    moves = any(word.startswith(name) if len(name) > 2 else word == name for name in _MOVING)
    if moves and node.args and isinstance(node.args[0], fx.Node):
        return sources(node.args[0], modules)
    return [node]


def check_edges(module: nn.Module, *, inputs: bool = True) -> int:
    """Assert that no value is quantized twice alike, and that all inputs of operators are; return the quantizers."""
    assert isinstance(module, fx.GraphModule)
    modules = dict(module.named_modules())
    calls = [n for n in module.graph.nodes if n.op == "call_module" and isinstance(modules[str(n.target)], Quantizer)]
    for call in calls:
        own = modules[str(call.target)]
        for origin in sources(call.args[0], modules):
            before = modules.get(str(origin.target)) if origin.op == "call_module" else None
            twice = isinstance(before, Quantizer) and before.settings == own.settings
            assert not twice, f"{origin.target} and {call.target} quantize one value"
    for node in module.graph.nodes if inputs else ():
        if (
            node.op.startswith("call")
            and label(node, modules).startswith(_COMPUTING)
            and node not in calls
            and not _of_one(node)
        ):
            _check_inputs(node, modules)
    return len(calls)


def _of_one(node: fx.Node) -> bool:
    return (
        label(node, {}) in ("cat", "stack") and isinstance(node.args[0], fx.Node) if node.op != "call_module" else False
    )


def _check_inputs(node: fx.Node, modules: dict[str, nn.Module]) -> None:
    given = node.args[0] if isinstance(node.args[0], list | tuple) else node.args[:2]
    for item in given:
        if isinstance(item, fx.Node) and item.op not in ("get_attr",):
            for origin in sources(item, modules):
                assert isinstance(modules.get(str(origin.target)), Quantizer), f"{origin} enters {node} unquantized"


def sqnr(exact: Tensor, other: Tensor) -> float:
    """Return the ratio of signal to noise in decibels."""
    exact, other = exact.detach(), other.detach()
    noise = (exact - other).double().square().sum().clamp_min(1e-30)
    return float(10 * (exact.double().square().sum() / noise).log10())
