"""Quantizes a small network for a device, by hand, as the pipeline does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quark_core.config.device_rules import device_rules, limits
from quark_core.plugin import Adjustment, Capability, Device, DeviceSpec, ModeSpec, Options, Plan, Refines, TakesPasses
from quark_core.plugin.devices import PreparesGraph
from quark_core.registry import current

if TYPE_CHECKING:
    from torch import Tensor, nn

    from quark_core import QuantConfig
    from quark_core.plugin import Mode

_OPERATORS = ("conv2d", "linear")
"""What the network computes."""


@dataclass(frozen=True)
class Run:
    """A network that was quantized for a device."""

    batch: Tensor
    planned: Plan
    """As the config says, before the device refined it."""
    plan: Plan
    prepared: nn.Module
    """With fixed scales, after ``adjust``; the same object as ``final`` for modes that change it in place."""
    final: nn.Module
    adjustments: tuple[Adjustment, ...]


def network() -> nn.Module:
    """Return a convolution, a batch norm and a linear layer."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2)).eval()


def run(spec: DeviceSpec, options: Options, device: Device) -> Run:
    """Return the network quantized with what ``spec`` takes under ``options``."""
    import torch

    from quark_core import make_plan
    from quark_core.engine.batches import call
    from quark_core.engine.pipeline import fix_scales, observe_parameters, own_copy

    config = config_for(spec, options)
    mode = _mode(config, device)
    model, batch = own_copy(network()), torch.randn(8, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    planned = make_plan(config, mode.outline(model, (batch,)))
    plan = device.refine(planned)[0] if isinstance(device, Refines) else planned
    prepared = mode.prepare(model, plan, (batch,))
    owned = observe_parameters(prepared)
    with torch.no_grad():
        call(prepared, batch, 0)
    _, adjustments = fix_scales(prepared, device, owned)
    return Run(batch, planned, plan, prepared, mode.convert(prepared), adjustments)


def config_for(spec: DeviceSpec, options: Options) -> QuantConfig:
    """Return a config of which ``spec`` takes every tensor, in a mode that it works with; int8 where it takes all."""
    from quark_core import QuantConfig

    rows, given = spec.rows(dict(options)), dict(options)
    roles = {role: _tensor(rows, role) for role in ("weight", "input", "output")}
    if rows is None:
        roles["output"] = None
    modes = device_rules(spec, current(), given)[1]
    mode = modes.allow["mode"][0] if modes else "eager_mode"
    lacking = [] if rows is None else [f"type:{_CLASSES[name]}" for name in _OPERATORS if not _takes(rows, name)]
    chosen = {role: tensor for role, tensor in roles.items() if tensor}
    return QuantConfig.model_validate({"mode": mode, "exclude": lacking, **chosen})


_CLASSES = {"conv2d": "Conv2d", "linear": "Linear"}


def _takes(rows: tuple[Capability, ...], operator: str) -> bool:
    return any("weight" in row.roles and operator in (row.operators or _OPERATORS) for row in rows)


def _tensor(rows: tuple[Capability, ...] | None, role: str) -> Mapping[str, Any] | None:
    if rows is None:
        return {"dtype": "int8"}
    mine = [row for row in rows if role in row.roles and set(row.operators or _OPERATORS) & set(_OPERATORS)]
    if not mine:
        return None
    values = {field: allowed[0] for field, allowed in limits(mine[0]).items() if allowed}
    dtype = current().dtypes()[mine[0].dtypes[0]]
    unsaid = set() if dtype.scaled else {"qscheme", "scale_type", "is_dynamic"}
    if dtype.only_symmetric:
        unsaid.add("symmetric")
    return {"dtype": dtype.name, **{field: value for field, value in values.items() if field not in unsaid}}


def _mode(config: QuantConfig, device: Device) -> Mode:
    spec, options = current().choose(ModeSpec, config.mode)
    mode: Mode = spec.impl.load()(options)
    passes = device.passes() if isinstance(device, PreparesGraph) else ()
    if passes:
        assert isinstance(mode, TakesPasses), (
            f"{spec.name} takes no passes, and there are {[x.name for x in passes]}; set `modes` of the DeviceSpec"
        )
        mode.use_passes(passes)
    return mode
