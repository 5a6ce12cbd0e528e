"""Which kind of operator a node is."""

from __future__ import annotations

import torch
from torch import fx, nn

from quark_core.engine.authoring import argument, declared, own_code
from quark_fx.catalog import ATEN, FUNCTIONS, METHODS, MODULES
from quark_fx.kinds import Kind, Role, moving

_TURNED = {"T", "mT", "H", "mH"}


def kind_of(node: fx.Node, modules: dict[str, nn.Module]) -> Kind | None:
    """Return the kind of operator that a node is, or None."""
    if node.op == "call_module":
        return _of_module(modules[str(node.target)])
    if node.op == "call_method":
        return METHODS.get(str(node.target))
    if node.op != "call_function":
        return None
    if isinstance(node.target, torch._ops.OpOverload):  # noqa: SLF001  # has no public name
        return _special(node, ATEN.get(label(node)) if node.target.namespace == "aten" else None)
    if node.target is getattr:
        return moving("transpose") if node.args[1] in _TURNED else None
    return _special(node, FUNCTIONS.get(node.target) or _declared(node.target))


def _declared(target: object) -> Kind | None:
    own = declared(target)
    return Kind(own.kind, Role.activation, own.inputs, own.names) if own else None


def class_of(module: nn.Module) -> type[nn.Module] | None:
    """Return which known class a module is of; one with code of its own only where it has a weight."""
    for cls, kind in MODULES.items():
        if isinstance(module, cls):
            return cls if kind.role is Role.weighted or own_code(module, cls) is None else None
    return None


def label(node: fx.Node) -> str:
    """Return what the function, method or aten operator of a node is called."""
    if isinstance(node.target, torch._ops.OpOverload):  # noqa: SLF001  # has no public name
        return str(node.target.overloadpacket.__name__)
    return str(node.target) if isinstance(node.target, str) else str(getattr(node.target, "__name__", node.name))


def _of_module(module: nn.Module) -> Kind | None:
    cls = class_of(module)
    kind = MODULES[cls] if cls is not None else None
    if kind is not None and kind.name == "interpolate":
        return _interpolation(kind, getattr(module, "mode", "bilinear"))
    if kind is not None and kind.name == "pad":
        return kind if not getattr(module, "value", 0) else None
    return kind


def _special(node: fx.Node, kind: Kind | None) -> Kind | None:
    """Return the kind of operators that are known by more than their name."""
    if kind is not None and kind.name == "interpolate" and label(node) == "interpolate":
        return _interpolation(kind, argument(node, 3, "mode") or "nearest")
    if kind is not None and kind.role is Role.joining and isinstance(argument(node, 0, kind.names[0]), fx.Node):
        # Parts of one value, as chunk and unbind give them.
        return moving("pick")
    if kind is None and label(node) in ("pad", "constant_pad_nd"):
        how, value = argument(node, 2, "mode"), argument(node, 3, "value")
        if label(node) == "constant_pad_nd":
            how, value = "constant", argument(node, 2, "value")
        # Zero is on every grid, other constants need not be.
        return moving("pad") if how not in (None, "constant") or not value else None
    return kind


def _interpolation(kind: Kind, mode: object) -> Kind:
    return moving("upsample_nearest") if mode in ("nearest", "nearest-exact") else kind
