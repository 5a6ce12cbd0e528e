"""Quantizes a small network for a device, by hand, as the pipeline does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from quark_core.plugin import Adjustment, Device, ModeSpec, Plan, Refines, TakesPasses
from quark_core.plugin.devices import PreparesGraph
from quark_core.registry import current
from quark_core.testing.device_cases import Case

if TYPE_CHECKING:
    from torch import Tensor, nn

    from quark_core import QuantConfig
    from quark_core.plugin import Mode


@dataclass(frozen=True)
class Run:
    """A network that was quantized for a device."""

    what: str
    """What is special about its config."""
    batch: Tensor
    planned: Plan
    """As the config says, before the device refined it."""
    plan: Plan
    prepared: nn.Module
    """With fixed scales, after ``adjust``; the same object as ``final`` for modes that change it in place."""
    final: nn.Module
    adjustments: tuple[Adjustment, ...]


def network(multiple: int = 1, *, sums: bool = False) -> nn.Module:
    """Return a convolution, a batch norm and two linear layers, and before these, if asked for, a sum.

    ``multiple`` divides each number of channels.
    """
    import torch
    from torch import nn

    inputs, inner, outputs = (-(-least // multiple) * multiple for least in (3, 4, 2))
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.Conv2d(inputs, inner, 3), nn.BatchNorm2d(inner), nn.ReLU()]
    if sums:
        layers.append(residual(inner))
    # What reaches the second linear layer has both signs, so that asymmetric inputs have a zero point.
    head = (nn.Linear(4 * inner, 2 * inner), nn.Linear(2 * inner, outputs))
    return nn.Sequential(*layers, nn.Flatten(), *head).eval()


def residual(channels: int) -> nn.Module:
    """Return what adds its input to a convolution of it."""
    from torch import nn

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(channels, channels, 1)

        def forward(self, x: Tensor) -> Tensor:
            added: Tensor = self.conv(x) + x
            return added

    return Residual()


def run(case: Case, device: Device) -> Run:
    """Return the network quantized as ``case`` says."""
    import torch

    from quark_core import make_plan
    from quark_core.engine.batches import call
    from quark_core.engine.pipeline import fix_scales, observe_parameters, own_copy

    mode = _mode(case.config, device)
    model = own_copy(network(case.multiple, sums=case.sums))
    channels = next(model.parameters()).shape[1]
    batch = torch.randn(8, channels, 4, 4, generator=torch.Generator().manual_seed(1))
    planned = make_plan(case.config, mode.outline(model, (batch,)))
    plan = device.refine(planned)[0] if isinstance(device, Refines) else planned
    prepared = mode.prepare(model, plan, (batch,))
    owned = observe_parameters(prepared)
    with torch.no_grad():
        call(prepared, batch, 0)
    _, adjustments = fix_scales(prepared, device, owned)
    return Run(case.what, batch, planned, plan, prepared, mode.convert(prepared), adjustments)


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
