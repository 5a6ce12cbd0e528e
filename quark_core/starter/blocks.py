"""What a first config says and suggests, line by line, in no format yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from quark_core.config.resolve import DEFAULT_OBSERVER
from quark_core.plugin.specs import DtypeSpec, ObserverSpec
from quark_core.registry import Registry, needs_options
from quark_core.starter.solve import Start
from quark_core.starter.tensors import Tensor


@dataclass(frozen=True)
class Line:
    """A key and its value."""

    key: str
    value: Any
    note: str
    is_off: bool = False
    """Whether it is only suggested."""


@dataclass(frozen=True)
class Block:
    """A key whose value is an object; with ``is_list`` a list of one object."""

    key: str
    note: str
    lines: tuple[Line, ...]
    is_off: bool = False
    is_list: bool = False


_ROLES = {
    "weight": "Weights.",
    "input": "Activations that enter a layer.",
    "output": "Activations that leave a layer.",
    "bias": "Biases.",
}
_NOTES = {
    ("qscheme", "per_channel"): "one scale for each output channel",
    ("qscheme", "per_tensor"): "one scale for the whole tensor",
    ("symmetric", False): "the range need not be centred on 0",
    ("scale_type", "pof2"): "scales are powers of two",
    ("scale_rule", "ceil"): "rounded up, so that nothing is clipped",
    ("is_dynamic", True): "the scale comes from each batch: nothing to calibrate",
}


def config_blocks(start: Start, registry: Registry) -> Iterator[Line | Block]:
    """Yield everything from top to bottom; plain lines come before blocks, as TOML needs it."""
    yield Line("version", 1, "of this format")
    yield Line("device", start.device, "what the model is quantized for; `quark devices` lists all")
    yield Line("mode", start.mode, "how the model is taken apart; `quark show mode` lists all")
    sizes = {spec.group_size for spec in (registry.dtype(t["dtype"]) for t in start.tensors.values())} - {None}
    blocks = f"; and those whose input channels are no multiple of {max(map(str, sizes))}" if sizes else ""
    yield Line(
        "exclude", ["lm_head"], f"layers that stay in floating point: names, glob:…, type:…{blocks}", is_off=True
    )
    for role, tensor in start.tensors.items():
        yield Block(role, _ROLES[role], tuple(_tensor(tensor, registry)))
    if _is_calibrated(start, registry):
        batches = Line("batches", 32, "at most so many are run")
        yield Block("calibration", "How ranges of activations are measured.", (batches,))
    yield _verify()
    role = "input" if "input" in start.tensors else "weight"
    layer = Line("match", "type:Linear", "a name, glob:…, re:… or type:…; or a list of these")
    skip = Line("skip", [role], "stays in floating point there; or give weight, input, … as above")
    yield Block("layers", "What differs for some layers; later entries win.", (layer, skip), is_off=True, is_list=True)


def _tensor(tensor: Tensor, registry: Registry) -> Iterator[Line]:
    spec = registry.dtype(tensor["dtype"])
    for key, value in tensor.items():
        note = _sentence(spec) if key == "dtype" else _NOTES.get((key, value), "as the device needs it")
        yield Line(key, value, note)
    if (other := _other_observer(registry)) and _takes_observer(tensor, spec):
        yield Line("observer", other, f"instead of {DEFAULT_OBSERVER}; `quark show observer` lists all", is_off=True)


def _takes_observer(tensor: Tensor, spec: DtypeSpec) -> bool:
    return spec.scaled and not spec.is_block and not tensor.get("is_dynamic")


def _other_observer(registry: Registry) -> str | None:
    specs = registry.specs(ObserverSpec.kind).items()
    names = [name for name, spec in specs if not needs_options(spec) and name != DEFAULT_OBSERVER]
    return "mse" if "mse" in names else next(iter(names), None)


def _is_calibrated(start: Start, registry: Registry) -> bool:
    activations = (tensor for role, tensor in start.tensors.items() if role in ("input", "output"))
    return any(_takes_observer(tensor, registry.dtype(tensor["dtype"])) for tensor in activations)


def _verify() -> Block:
    noise = Line("min_sqnr_db", 20, "least signal to noise of the outputs, in decibels", is_off=True)
    agreement = Line(
        "min_agreement", 0.95, "least share of outputs whose largest value stays where it was", is_off=True
    )
    return Block(
        "verify", "What the quantized model must reach, or there is no result.", (noise, agreement), is_off=True
    )


def _sentence(spec: DtypeSpec) -> str:
    # A plugin's text must stay on the line of its comment.
    text = "".join(c if c.isprintable() else " " for c in " ".join(spec.summary.split()))
    return text if text.endswith(".") or not text else f"{text}."
