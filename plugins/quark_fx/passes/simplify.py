"""Removes what does nothing in evaluation: dropout and identity."""

from __future__ import annotations

from torch import fx, nn

from quark_core.engine.authoring import argument
from quark_fx.recognize import kind_of, label


def simplify(graph: fx.GraphModule) -> None:
    """Take every dropout and identity out of ``graph``; a dropout that works in evaluation too stays."""
    modules = dict(graph.named_modules())
    for node in list(graph.graph.nodes):
        source = argument(node, 0, "input")
        if isinstance(source, fx.Node) and _does_nothing(node, modules):
            node.replace_all_uses_with(source)
            graph.graph.erase_node(node)
    graph.delete_all_unused_submodules()
    graph.recompile()


def _does_nothing(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    kind = kind_of(node, modules)
    if kind is None or kind.name not in ("dropout", "identity"):
        return False
    if node.op == "call_module":
        return kind.name == "identity" or not modules[str(node.target)].training
    if kind.name == "identity":
        return False
    # F.alpha_dropout is off by default, the other dropouts are on; aten's argument has no default.
    default = label(node) == "alpha_dropout"
    given = argument(node, 2, "training")
    training = node.kwargs.get("train", given)
    return training is False or (training is None and default)
