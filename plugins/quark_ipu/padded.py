"""Convolutions that pad by themselves: zeros around the input, then the convolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import fx, nn
from torch.nn import functional

from quark_core.engine.authoring import Convolution, note
from quark_ipu.arithmetic.convolution import Walk
from quark_ipu.rewriting import each

Pads = tuple[int, ...]
_RANKS = {"conv1d": 1, "conv2d": 2, "conv3d": 3}
_PLAIN = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


@dataclass(frozen=True)
class Padded:
    """A convolution and what is padded before it, as ``torch.nn.functional.pad`` takes it; negative numbers crop."""

    walk: Walk
    pads: tuple[Pads, ...] = ()


def padded(node: fx.Node, graph: fx.GraphModule, found: Convolution | None) -> Padded | None:
    """Return how the convolution that ``node`` calls walks, or None; ``found`` is what graph mode knows of it."""
    module: Any = graph.get_submodule(str(node.target)) if node.op == "call_module" else None
    if module is not None and not any(type(module).forward is cls.forward for cls in _PLAIN):
        return _own_forward(module)
    if found is not None:
        return Padded(Walk(found.stride, found.padding, found.dilation, found.groups))
    own = note(node)
    if own is None or own.weight is None:
        return None
    kernel = graph.get_parameter(own.weight).shape[2:]
    if module is None:
        return _same(kernel, *(_given(node, place, name) for place, name in enumerate(_OPTIONS, 3)))
    options = (module.stride, module.padding, module.dilation, module.groups)
    return _same(kernel, *options) if module.padding_mode == "zeros" else None


_OPTIONS = ("stride", "padding", "dilation", "groups")


def _same(kernel: tuple[int, ...], stride: Any, padding: Any, dilation: Any, groups: Any) -> Padded | None:
    """Return a convolution whose zeros keep the size of its input, one more behind it where their number is odd."""
    if padding != "same":
        return None
    rank = len(kernel)
    steps = each(dilation or 1, rank)
    totals = [step * (size - 1) for step, size in zip(steps, kernel, strict=True)]
    pads = tuple(part for total in reversed(totals) for part in (total // 2, total - total // 2))
    return Padded(Walk(each(stride or 1, rank), (0,) * rank, steps, groups or 1), (pads,))


class _Through(fx.Tracer):
    """Traces into every module, so that what pads and what does nothing are functions or gone."""

    def is_leaf_module(self, _m: nn.Module, _module_qualified_name: str) -> bool:
        return False


def _own_forward(module: nn.Module) -> Padded | None:
    """Return what a forward of its own does, where that is: pad with zeros, then convolve with its own weight."""
    try:
        graph = _Through().trace(module)
    except Exception:  # noqa: BLE001  # code of a model may raise anything when it meets a proxy
        return None
    pads: list[Pads] = []
    for node in graph.nodes:
        if node.op not in ("placeholder", "get_attr"):
            found = _pads(node)
            if found is None:
                return _last(node, module, tuple(pads))
            pads.append(found)
    return None


def _pads(node: fx.Node) -> Pads | None:
    """Return what a node pads with zeros, or None where it does something else."""
    if node.target is not functional.pad:
        return None
    pads, mode, value = (_given(node, place, name) for place, name in ((1, "pad"), (2, "mode"), (3, "value")))
    whole = isinstance(pads, list | tuple) and all(isinstance(size, int) for size in pads)
    return tuple(pads) if whole and mode in (None, "constant") and not value else None


def _given(node: fx.Node, place: int, name: str) -> Any:
    return node.args[place] if place < len(node.args) else node.kwargs.get(name)


def _last(node: fx.Node, module: nn.Module, pads: tuple[Pads, ...]) -> Padded | None:
    """Return the convolution that ``node`` is, where its result is the module's and its weight the module's own."""
    rank = _RANKS.get(str(getattr(node.target, "__name__", "")))
    if rank is None or [user.op for user in node.users] != ["output"]:
        return None
    names = ("weight", "bias", "stride", "padding", "dilation", "groups")
    weight, bias, *options = (_given(node, place, name) for place, name in enumerate(names, 1))
    held = "bias" if getattr(module, "bias", None) is not None else None
    if _name(weight) != "weight" or _name(bias) != held:
        return None
    usual = (1, 0, 1, 1)
    stride, padding, dilation, groups = (own if own is not None else at for own, at in zip(options, usual, strict=True))
    if isinstance(padding, str):
        return None
    return Padded(Walk(each(stride, rank), each(padding, rank), each(dilation, rank), groups), pads)


def _name(value: object) -> str | None:
    return str(value.target) if isinstance(value, fx.Node) else None
