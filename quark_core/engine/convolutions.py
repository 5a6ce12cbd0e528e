"""How convolutions walk over their input, read from modules and from the nodes of graphs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from torch import fx, nn
from torch.nn import functional

from quark_core.engine.marks import argument, note
from quark_core.engine.modules.own_code import float_class, own_code

_RANKS = {"conv1d": 1, "conv2d": 2, "conv3d": 3}
_PLAIN: tuple[Any, ...] = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_OPTIONS = (("stride", 1), ("padding", 0), ("dilation", 1), ("groups", 1))


@dataclass(frozen=True)
class Convolution:
    """How a convolution walks; each tuple has one number for each axis."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    pads: tuple[tuple[int, ...], ...] = ()
    """What is padded with zeros before it, each as ``torch.nn.functional.pad`` takes it; negative numbers crop."""


def convolution(node: fx.Node, graph: fx.GraphModule) -> Convolution | None:
    """Return how the convolution of a node of graph mode walks, a module or a function of one to three axes.

    Modules with a forward of their own are read too, where all that they do is to pad with zeros and to convolve. None
    for anything else, such as other kinds of padding.
    """
    found = note(node)
    if found is None or found.weight is None or found.kind not in _RANKS:
        return None
    if node.op == "call_module":
        return convolution_of(graph.get_submodule(str(node.target)))
    kernel = tuple(graph.get_parameter(found.weight).shape[2:])
    options = (_default(argument(node, place, name), usual) for place, (name, usual) in enumerate(_OPTIONS, 3))
    return _walk(kernel, *options)


def convolution_of(module: nn.Module) -> Convolution | None:
    """Return how a convolution module of one to three axes walks; see ``convolution``."""
    held: Any = module
    if not isinstance(module, _PLAIN) or own_code(module) is not None:
        return None
    if own_code(module, *_PLAIN) is not None:
        return _own_forward(held)
    if held.padding_mode != "zeros":
        return None
    return _walk(tuple(held.weight.shape[2:]), held.stride, held.padding, held.dilation, held.groups)


def _walk(kernel: tuple[int, ...], stride: Any, padding: Any, dilation: Any, groups: Any) -> Convolution | None:
    rank = len(kernel)
    steps = _each(dilation, rank)
    made = Convolution(_each(stride, rank), (0,) * rank, steps, int(groups))
    if padding == "same":
        # As many zeros as keep the size, one more behind where their number is odd.
        totals = [step * (size - 1) for step, size in zip(steps, kernel, strict=True)]
        pads = tuple(part for total in reversed(totals) for part in (total // 2, total - total // 2))
        return with_pads(made, (pads,))
    if isinstance(padding, str):
        return made if padding == "valid" else None
    return replace(made, padding=_each(padding, rank))


def with_pads(how: Convolution, pads: tuple[tuple[int, ...], ...]) -> Convolution:
    """Return ``how`` with ``pads`` before it; those that are equal on both sides become its own padding."""
    if len(pads) == 1 and len(pads[0]) == 2 * len(how.padding):
        sides = list(zip(pads[0][::2], pads[0][1::2], strict=True))[::-1]
        if all(low == high and low >= 0 for low, high in sides):
            return replace(how, padding=tuple(own + low for own, (low, _) in zip(how.padding, sides, strict=True)))
    return replace(how, pads=tuple(pad for pad in pads if any(pad)))


def _each(value: Any, rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value) * (rank if len(value) == 1 else 1)


def _default(value: Any, usual: int) -> Any:
    return usual if value is None else value


class _Through(fx.Tracer):
    """Traces into every module, so that what pads and what does nothing are functions or gone."""

    def is_leaf_module(self, _m: nn.Module, _module_qualified_name: str) -> bool:
        return False


def _own_forward(module: nn.Module) -> Convolution | None:
    """Return what a forward of its own does, where that is: pad with zeros, then convolve with its own weight."""
    try:
        graph = _Through().trace(_as(module, float_class(module)))
    except Exception:  # noqa: BLE001  # code of a model may raise anything when it meets a proxy
        return None
    pads: list[tuple[int, ...]] = []
    value = next(iter(graph.nodes))
    for node in graph.nodes:
        if node.op in ("placeholder", "get_attr"):
            continue
        if argument(node, 0, "input") is not value or len(value.users) != 1:
            return None
        found = _pads(node)
        if found is None:
            return _last(node, module, tuple(pads))
        pads.append(found)
        value = node
    return None


def _as(module: nn.Module, cls: Any) -> nn.Module:
    """Return a twin of ``module`` that is of class ``cls``."""
    twin: nn.Module = cls.__new__(cls)
    twin.__dict__ = dict(module.__dict__)
    return twin


def _pads(node: fx.Node) -> tuple[int, ...] | None:
    """Return what a node pads with zeros, or None where it does something else."""
    if node.target is not functional.pad:
        return None
    pads, mode, value = (argument(node, place, name) for place, name in ((1, "pad"), (2, "mode"), (3, "value")))
    whole = isinstance(pads, list | tuple) and all(isinstance(size, int) for size in pads)
    return tuple(pads) if whole and mode in (None, "constant") and not value else None


def _last(node: fx.Node, module: nn.Module, pads: tuple[tuple[int, ...], ...]) -> Convolution | None:
    """Return the convolution that ``node`` is, where its result is the module's and its weight the module's own."""
    rank = _RANKS.get(str(getattr(node.target, "__name__", "")))
    if rank is None or [user.op for user in node.users] != ["output"]:
        return None
    bias = "bias" if getattr(module, "bias", None) is not None else None
    if _name(argument(node, 1, "weight")) != "weight" or _name(argument(node, 2, "bias")) != bias:
        return None
    kernel = tuple(module.get_parameter("weight").shape[2:])
    options = (_default(argument(node, place, name), usual) for place, (name, usual) in enumerate(_OPTIONS, 3))
    how = _walk(kernel, *options)
    return None if how is None or how.pads else with_pads(how, pads)


def _name(value: object) -> str | None:
    return str(value.target) if isinstance(value, fx.Node) else None
