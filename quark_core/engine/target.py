"""The mode and the device that a config names, made to work together."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from quark_core.config.models import QuantConfig
from quark_core.errors import DeviceError, PlanError
from quark_core.plan import make_plan
from quark_core.plugin.adjustment import Adjustment
from quark_core.plugin.devices import Device, PreparesGraph, Refines, Resolves, TakesPasses
from quark_core.plugin.options import Options
from quark_core.plugin.outline import Outline
from quark_core.plugin.plan import Plan
from quark_core.plugin.protocols import ExampleInputs, Mode
from quark_core.plugin.specs import DeviceSpec, ModeSpec
from quark_core.registry import Registry


@dataclass(frozen=True)
class Target:
    """What takes a model apart, and what it is quantized for."""

    config: QuantConfig
    mode: Mode
    device: Device
    options: Options
    """The device's, with nothing left open that depends on the machine."""
    rewrites: bool
    """Whether the device may change the graph, and so what the float model computes."""

    @staticmethod
    def of(
        config: QuantConfig,
        registry: Registry,
        *,
        lowering: bool = False,
        resolved: Mapping[str, Any] | None = None,
    ) -> Target:
        """Construct both; ``resolved``: the device's options as a saved folder noted them.

        Raises DeviceError when the device needs graphs rewritten and the mode has none.
        """
        mode_spec, mode_options = registry.choose(ModeSpec, config.mode)
        spec, options = registry.choose(DeviceSpec, config.device)
        make, mode = spec.impl.load(), mode_spec.impl.load()(mode_options)
        if resolved is not None:
            options = spec.options.model_validate_json(json.dumps(dict(resolved)))
        device = make(options)
        if resolved is None and isinstance(device, Resolves):
            options = device.resolve(lowering=lowering)
            device = make(options)
        rewrites = _use_passes(mode, device, mode_spec.name, spec.name)
        return Target(config, mode, device, options, rewrites)

    def check_here(self) -> None:
        """Raise DeviceError where the device cannot run a model on this machine."""
        if (why := self.device.unavailable()) is not None:
            raise DeviceError(f"the model cannot be lowered to {self.options.name} here: {why}; leave out lower")

    def plan(self, model: nn.Module, inputs: ExampleInputs) -> tuple[Plan, tuple[Adjustment, ...]]:
        """Return what happens to ``model``, and what the device changed of its graph and of the config's plan."""
        outline = self._outline(model, inputs)
        changes: Sequence[Adjustment] = self.mode.changes() if isinstance(self.mode, TakesPasses) else ()
        plan = make_plan(self.config, outline)
        if not isinstance(self.device, Refines):
            return plan, tuple(changes)
        with self._placed():
            plan, refined = self.device.refine(plan)
        return plan, (*changes, *refined)

    def _outline(self, model: nn.Module, inputs: ExampleInputs) -> Outline:
        with self._placed():
            return self.mode.outline(model, inputs)

    @contextmanager
    def _placed(self) -> Iterator[None]:
        """Give the problems that a plugin found the place where the config's file says what is wrong."""
        try:
            yield
        except PlanError as error:
            raise PlanError(
                problem if problem.place else replace(problem, place=self.config.place_near(*problem.path))
                for problem in error.problems
            ) from error


def _use_passes(mode: Mode, device: Device, mode_name: str, device_name: str) -> bool:
    passes = device.passes() if isinstance(device, PreparesGraph) else ()
    if not passes:
        return False
    if not isinstance(mode, TakesPasses):
        raise DeviceError(
            f"{device_name} rewrites the graph of a model ({', '.join(step.name for step in passes)}), and {mode_name} "
            "has no graph; write mode: fx_graph_mode"
        )
    mode.use_passes(passes)
    return True


__all__ = ["Target"]
