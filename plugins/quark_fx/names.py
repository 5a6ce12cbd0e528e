"""Names of operators: what patterns match, and what reports and saved folders say."""

from __future__ import annotations

from torch import fx, nn

from quark_fx.catalog import MODULES
from quark_fx.kinds import Kind, Role


class Names:
    """Gives each operator a name that is stable, readable and its own: the module's path, or the function in it."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, node: fx.Node, modules: dict[str, nn.Module], label: str) -> tuple[str, tuple[str, ...]]:
        """Return name and types of a node whose operator is called ``label``."""
        if node.op == "call_module":
            classes = type(modules[str(node.target)]).__mro__
            names = [cls.__name__ for cls in classes if issubclass(cls, nn.Module) and cls is not nn.Module]
            return self._free(str(node.target), "call"), tuple(dict.fromkeys((*names, label)))
        path, cls = _scope(node)
        if _is_module_of(cls, label):
            return self._free(path, "call"), (cls.rpartition(".")[2], label)
        return self._free(f"{path}.{label}" if path else label, ""), (label,)

    def _free(self, name: str, word: str) -> str:
        chosen, count = name, 1
        while chosen in self._taken:
            count += 1
            chosen = f"{name}.{word}{count}" if word else f"{name}_{count}"
        self._taken.add(chosen)
        return chosen


def _scope(node: fx.Node) -> tuple[str, str]:
    """Return the path and the qualified class name of the module whose forward made a node."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    if not stack:
        return "", ""
    path, cls = stack[-1]
    return str(path), cls if isinstance(cls, str) else f"{cls.__module__}.{cls.__qualname__}"


def _is_module_of(cls: str, label: str) -> bool:
    """Return whether an operator is all that a class of torch.nn computes."""
    if not cls.startswith("torch.nn.modules."):
        return False
    found = getattr(nn, cls.rpartition(".")[2], None)
    return found is not None and MODULES.get(found, Kind("", Role.moving)).name == label
