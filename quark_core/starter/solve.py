"""From a wish to the plain data of a config that the device takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from quark_core.config.device_rules import Variant, device_variants
from quark_core.config.rules import join_words
from quark_core.config.type import QuantizationMode
from quark_core.errors import UsageError
from quark_core.plugin.capability import ROLES
from quark_core.plugin.specs import DeviceSpec, ModeSpec
from quark_core.registry import Registry, needs_options
from quark_core.starter.tensors import Tensor, activation_dtypes, find_tensor
from quark_core.starter.wishes import What, Wish


@dataclass(frozen=True)
class Start:
    """What a first config says."""

    wish: Wish
    mode: str
    options: dict[str, Any] = field(default_factory=dict)
    """Options of the device that are not their defaults."""
    tensors: dict[str, Tensor] = field(default_factory=dict)
    """By role."""

    @property
    def device(self) -> Any:
        """The value of ``device``."""
        return {"name": self.wish.device, **self.options} if self.options else self.wish.device


def solve(wish: Wish, registry: Registry) -> Start:
    """Return what to say; raises UsageError, which says what the device can do instead."""
    found = find(wish, registry)
    if found is None:
        able = able_whats(wish.device, wish.dtype.name, registry)
        instead = f"with {wish.dtype.name} it can do {join_words(able, 'or')}" if able else _instead(wish, registry)
        raise UsageError(f"device {wish.device} cannot do {wish.what} in {wish.dtype.name}: {instead}")
    return found


def _instead(wish: Wish, registry: Registry) -> str:
    for what in (wish.what, *What):
        if names := able_dtypes(wish.device, registry, what):
            return f"for {what} it takes {join_words(names, 'or')}"
    return f"it takes nothing that can be asked for here; write a config by hand: `quark show device {wish.device}`"


def able_whats(device: str, dtype: str, registry: Registry) -> list[What]:
    """Return what ``device`` can quantize with weights in ``dtype``."""
    return [what for what in What if find(Wish(device, registry.dtype(dtype), what), registry)]


def able_dtypes(device: str, registry: Registry, what: What | None = None) -> list[str]:
    """Return the dtypes that ``device`` takes for weights when ``what`` is quantized, or anything."""
    whats = [what] if what else list(What)
    return [n for n, spec in registry.dtypes().items() if any(find(Wish(device, spec, w), registry) for w in whats)]


def find(wish: Wish, registry: Registry) -> Start | None:
    """Return what to say, or None when the device cannot do it under any of its options."""
    spec = registry.get(DeviceSpec.kind, wish.device)
    if not isinstance(spec, DeviceSpec):
        raise TypeError(f"device {wish.device!r} is a {type(spec).__name__}")
    starts = (_under(wish, spec, variant, options, registry) for variant, options in _variants(spec, registry))
    return next((start for start in starts if start), None)


def _variants(spec: DeviceSpec, registry: Registry) -> Iterator[tuple[Variant, dict[str, Any]]]:
    """Yield what the device demands under its default options, then under others, with those to be written."""
    defaults = _defaults(spec)
    required = set(spec.options.model_fields) - set(defaults)
    variants = device_variants(spec, registry)
    for variant in sorted(variants, key=lambda v: not v.holds(defaults)):
        options = {name: value for name, value in variant.given if defaults.get(name) != value}
        # A variant for any other value of an option can be meant only by leaving the option at its default.
        if variant.holds({**defaults, **options}) and required <= set(options):
            yield variant, options


def _under(wish: Wish, spec: DeviceSpec, variant: Variant, options: dict[str, Any], registry: Registry) -> Start | None:
    mode = _mode(variant, registry)
    if mode is None:
        return None
    tensors: dict[str, Tensor] = {}
    for role in _roles(wish, spec, options):
        fixed = {"is_dynamic": True} if wish.what is What.dynamic and role == "input" else {}
        dtypes = [wish.dtype] if role in ("weight", "bias") else activation_dtypes(wish.dtype, registry)
        tensor = find_tensor(role, dtypes, variant, registry, **fixed)
        if tensor is not None:
            tensors[role] = tensor
        elif role in ("weight", "input"):
            return None
    return Start(wish, mode, options, tensors)


def _roles(wish: Wish, spec: DeviceSpec, options: dict[str, Any]) -> tuple[str, ...]:
    if wish.what is What.weights:
        return ("weight",)
    rows = spec.rows({**_defaults(spec), **options})
    if rows is None or wish.what is What.dynamic:
        return ("weight", "input")
    # A device that lists what it takes computes in that: whatever it takes is quantized.
    taken = {role for row in rows for role in row.roles}
    return tuple(role for role in ROLES if role in taken | {"weight", "input"})


def _defaults(spec: DeviceSpec) -> dict[str, Any]:
    fields = spec.options.model_fields.items()
    return {name: info.get_default(call_default_factory=True) for name, info in fields if not info.is_required()}


def _mode(variant: Variant, registry: Registry) -> str | None:
    installed = [name for name, spec in registry.specs(ModeSpec.kind).items() if not needs_options(spec)]
    usual = QuantizationMode.eager_mode.value
    modes = sorted(installed, key=lambda name: name != usual)
    allowed = variant.modes.allow["mode"] if variant.modes else modes
    return next((mode for mode in modes if mode in allowed), None)
