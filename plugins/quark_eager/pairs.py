"""Finds the batch norms that can be folded, by a symbolic trace of the model."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import fx, nn

from quark_core.engine.authoring import is_operator
from quark_core.errors import ModelError

LAYERS = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_NOTHING = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)
"""What returns its input in evaluation."""


@dataclass(frozen=True)
class Pair:
    """Paths of a batch norm and of the layer that can take it in."""

    layer: str
    norm: str


def pairs(model: nn.Module) -> tuple[Pair, ...]:
    """Return what can be folded in ``model``, in the order of its calls; the model does not change.

    A norm can be when at each of its calls it alone uses the result of a layer that is called once, and when the
    parameters of both are used nowhere else. Raises ModelError when the model cannot be traced.
    """
    return tuple(_Finder(model).pairs())


class _Tracer(fx.Tracer):
    """Keeps whole what torch.nn offers, and subclasses of layers and norms."""

    def __init__(self) -> None:
        super().__init__(param_shapes_constant=True)

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return is_operator(m) or isinstance(m, NORMS) or super().is_leaf_module(m, module_qualified_name)


def _traced(model: nn.Module) -> fx.Graph:
    try:
        return _Tracer().trace(model)
    except Exception as error:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if not _is_torch(f.filename)]
        place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}, `{frames[-1].line}`" if frames else ""
        cause = next((line for line in str(error).splitlines() if line.strip()), "")
        raise ModelError(
            f"{type(model).__name__} cannot be traced, so its batch norms cannot be folded: torch.fx stopped{place}: "
            f"{type(error).__name__}: {cause}. Leave fold_batch_norm of eager_mode out, or use mode: fx_graph_mode, "
            "which has more ways to find a graph"
        ) from error


def _is_torch(file: str) -> bool:
    return file.startswith((str(Path(torch.__file__).parent), "<")) or file == __file__


class _Finder:
    def __init__(self, model: nn.Module) -> None:
        self._graph = _traced(model)
        self._modules = dict(model.named_modules(remove_duplicate=False))
        self._calls = Counter(str(node.target) for node in self._graph.nodes if node.op == "call_module")
        self._used = {str(node.target).rpartition(".")[0] for node in self._graph.nodes if node.op == "get_attr"}
        named = list(model.named_parameters(remove_duplicate=False))
        names = Counter(id(parameter) for _, parameter in named)
        self._shared = {name.rpartition(".")[0] for name, parameter in named if names[id(parameter)] > 1}

    def pairs(self) -> Iterator[Pair]:
        """Yield the pairs of the norms all of whose calls can be folded."""
        found: dict[fx.Node, str] = {}
        for norm, calls in self._norms().items():
            layers = {call: self._layer(call, found) for call in calls}
            if any(layer is None or not self._fit(layer, norm) for layer in layers.values()):
                continue
            for call, layer in layers.items():
                found[call] = str(layer)
                yield Pair(str(layer), norm)

    def _norms(self) -> dict[str, list[fx.Node]]:
        calls: dict[str, list[fx.Node]] = {}
        for node in self._graph.nodes:
            if node.op == "call_module" and isinstance(self._modules[str(node.target)], NORMS):
                calls.setdefault(str(node.target), []).append(node)
        return {norm: nodes for norm, nodes in calls.items() if norm not in self._used and self._plain(norm)}

    def _plain(self, path: str) -> bool:
        norm = self._modules[path]
        return not norm.training and norm.running_mean is not None and norm.running_var is not None

    def _layer(self, call: fx.Node, found: dict[fx.Node, str]) -> str | None:
        """Return the layer whose result, and no one else's, a norm takes; ``found``: norms that are folded already."""
        source = call.args[0] if call.args else None
        while isinstance(source, fx.Node) and source.op == "call_module" and len(source.users) == 1:
            path = str(source.target)
            if isinstance(self._modules[path], LAYERS):
                return path
            if source in found:
                return found[source]
            if not isinstance(self._modules[path], _NOTHING) or self._modules[path].training:
                return None
            source = source.args[0] if source.args else None
        return None

    def _fit(self, path: str, norm: str) -> bool:
        layer, channels = self._modules[path], self._modules[norm].num_features
        held = dict(layer.named_parameters(recurse=False))
        return (
            self._calls[path] == 1
            and path not in self._used | self._shared
            and "weight" in held
            and channels == (layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels)
        )
