"""Removes what does nothing in evaluation: dropout and identity."""

from __future__ import annotations

from torch import fx, nn

from quark_fx.operators import kind_of


def simplify(graph: fx.GraphModule) -> None:
    """Take every dropout and identity out of ``graph``."""
    modules = dict(graph.named_modules())
    for node in list(graph.graph.nodes):
        if _does_nothing(node, modules):
            node.replace_all_uses_with(node.args[0])
            graph.graph.erase_node(node)
    graph.delete_all_unused_submodules()
    graph.recompile()


def _does_nothing(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    kind = kind_of(node, modules)
    if (
        kind is None
        or kind.name not in ("dropout", "identity")
        or not node.args
        or not isinstance(node.args[0], fx.Node)
    ):
        return False
    if node.op == "call_module":
        return not modules[str(node.target)].training
    # Of F.dropout(x, p, training) as of aten.dropout(x, p, train).
    training = node.args[2] if len(node.args) > 2 else node.kwargs.get("training", node.kwargs.get("train", True))
    return training is False
