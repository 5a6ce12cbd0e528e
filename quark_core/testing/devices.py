"""The suite for a device."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from quark_core.errors import DeviceError, QuarkError
from quark_core.plugin import Device, DeviceSpec, Executes, Lowered, PreparesGraph, Resolves
from quark_core.plugin.operators import OPERATORS
from quark_core.registry import current
from quark_core.testing.device_cases import Case, cases
from quark_core.testing.device_runs import Run, network, run
from quark_core.testing.options import build, make, takes
from quark_core.testing.suite import Suite

if TYPE_CHECKING:
    from torch import nn


class DeviceTests(Suite, abstract=True):
    """Checks a device. Set ``spec``; ``options`` where it has options without defaults."""

    required = {"spec": DeviceSpec}
    spec: ClassVar[DeviceSpec]
    options: ClassVar[Mapping[str, Any]] = {}
    """Options to test with."""
    least_decibels: ClassVar[float] = 20.0
    """How close what it computes must come to the quantized model."""

    def device(self) -> Device:
        """Return a new device."""
        made: Device = build(self.spec, self.options)
        return made

    def runs(self) -> Iterator[Run]:
        """Yield a small network quantized for the device: once for each row, dtype and scheme that it takes."""
        for case in self._cases():
            try:
                yield run(case, self.device())
            except QuarkError:
                # That what it takes can be planned has a check of its own.
                continue

    def run(self) -> Run:
        """Return the network quantized as its first rows say."""
        return run(next(self._cases()), self.device())

    def _cases(self) -> Iterator[Case]:
        return cases(self.spec, make(self.spec, self.options))

    def test_it_says_whether_it_is_here(self) -> None:
        why: object = self.device().unavailable()
        said = isinstance(why, str) and why.strip()
        assert why is None or said, f"unavailable returned {why!r}; return None, or a text that says why not"
        assert self.device().unavailable() == why, "the answer must not change between two questions"

    def test_its_capabilities_name_what_there_is(self) -> None:
        dtypes, roundings = current().specs("dtype"), current().specs("rounding")
        for row in self.spec.capabilities or ():
            unknown = [n for n in row.dtypes if n not in dtypes] + [
                n for n in row.round_methods or () if n not in roundings
            ]
            assert not unknown, f"no installed plugin adds {unknown[0]!r}, which a Capability names"
            for name in set(row.operators or ()) - set(OPERATORS):
                near = get_close_matches(name, OPERATORS, 1, cutoff=0.8)
                assert not near, f"a Capability names operator {name!r}; did you mean {near[0]!r}?"

    def test_its_capabilities_allow_something(self) -> None:
        assert self.spec.capabilities != (), "capabilities=() takes nothing; leave it out to take everything"

    def test_what_its_capabilities_take_can_be_quantized(self) -> None:
        for case in self._cases():
            try:
                run(case, self.device())
            except QuarkError as error:
                pytest.fail(
                    f"{case.what}: its capabilities take this, and then it is refused; say so in a Capability: {error}"
                )

    def test_adjusting_leaves_a_float_model_alone(self) -> None:
        import torch

        model, x = network(), torch.randn(2, 3, 4, 4)
        before, expected = {k: v.clone() for k, v in model.state_dict().items()}, model(x)
        self.device().adjust(model)
        after = model.state_dict()
        assert list(before) == list(after), "adjust changes scales of quantizers, nothing else"
        assert all(torch.equal(before[key], after[key]) for key in before), "adjust changed a float weight"
        assert torch.equal(model(x), expected), "adjust changed what a float model computes"

    def lowered(self) -> nn.Module | DeviceError:
        """Return what lowering gives: a module, or the refusal."""
        try:
            return self.device().lower(network())
        except DeviceError as refusal:
            return refusal

    def test_lowering_gives_a_module_or_says_why_not(self) -> None:
        from torch import nn

        got = self.lowered()
        if isinstance(got, DeviceError):
            assert str(got).strip(), "say in the DeviceError why the model cannot be lowered, and what to do"
        else:
            assert isinstance(got, nn.Module), f"lower returned {got!r}; return a torch.nn.Module"

    def test_a_device_that_is_not_here_lowers_nothing(self) -> None:
        refused, why = isinstance(self.lowered(), DeviceError), self.device().unavailable()
        assert refused or why is None, f"unavailable() says {why!r}, so lower must raise DeviceError"

    def test_its_modes_exist(self) -> None:
        unknown = [name for limit in self.spec.modes for name in limit.modes if name not in current().specs("mode")]
        assert not unknown, f"no installed plugin adds mode {unknown[0]!r}, which a ModeLimit names"

    def test_its_conditions_name_its_options(self) -> None:
        known = self.spec.options.model_fields
        whens = [row.when for row in self.spec.capabilities or ()] + [limit.when for limit in self.spec.modes]
        named = [name for when in whens for name in when]
        unknown = [name for name in named if name not in known]
        assert not unknown, f"`when` names {unknown[0]!r}, which is no option; there are {sorted(known)}"
        for when in whens:
            for name, values in when.items():
                wrong = [value for value in values if not takes(self.spec.options, name, value)]
                assert not wrong, f"`when` asks for {name}={wrong[0]!r}, which the option cannot be"

    def test_settled_options_stay_settled(self) -> None:
        for lowering in (False, True):
            device = self.device()
            if isinstance(device, Resolves):
                settled = device.resolve(lowering=lowering)
                assert isinstance(settled, self.spec.options), f"resolve returned {settled!r}; return its options"
                again: Any = type(device)(settled)
                assert again.resolve(lowering=not lowering) == settled, "options that resolve returned change again"

    def test_refining_keeps_every_tensor(self) -> None:
        for found in self.runs():
            before, after = ([tensor.key for tensor in plan.tensors()] for plan in (found.planned, found.plan))
            assert after == before, f"{found.what}: refine may change how a tensor is quantized, not which ones are"

    def test_passes_have_names(self) -> None:
        device = self.device()
        names = [step.name for step in device.passes()] if isinstance(device, PreparesGraph) else []
        assert all(name.strip() for name in names), "a graph pass has no name"
        assert len(names) == len(set(names)), f"two graph passes have one name: {names}"

    def test_adjusting_twice_changes_nothing_more(self) -> None:
        for found in self.runs():
            again = tuple(self.device().adjust(found.prepared) or ())
            assert again == (), f"{found.what}: adjust changed {again[0].tensor} again: it must end at a fixed point"

    def test_every_adjustment_says_why(self) -> None:
        changes = [change for found in self.runs() for change in found.adjustments]
        silent = [change for change in changes if not (change.tensor.strip() and change.why.strip())]
        assert not silent, f"{silent[0]}: name the tensor and say why it was changed"

    def finals(self) -> Iterator[tuple[str, nn.Module, Run]]:
        """Yield what the device makes of each quantized network: the lowered one, and its own arithmetic."""
        for found in self.runs():
            device = self.device()
            makers: list[tuple[str, Any]] = [("lower", device.lower)]
            if isinstance(device, Executes):
                makers.append(("executor", device.executor))
            for name, maker in makers:
                try:
                    yield f"{name} ({found.what})", maker(copy.deepcopy(found.final)), found
                except DeviceError:
                    # What a refusal must say is checked where lowering is.
                    continue

    def test_what_it_computes_stays_close_to_the_quantized_model(self) -> None:
        from quark_core.engine.sqnr import Sqnr

        for name, model, found in self.finals():
            sqnr = Sqnr()
            sqnr.add(found.final(found.batch).detach(), model(found.batch).detach())
            assert sqnr.db is not None, f"{name}: what it computes is not finite, or always 0"
            assert sqnr.db >= self.least_decibels, f"{name}: {sqnr.db:.1f} dB against the quantized model"
        why = self.device().unavailable()
        assert why is not None or any(True for _ in self.finals()), "it says that it is here, but it computes nothing"

    @staticmethod
    def _seen(model: nn.Module, found: Run, layers: set[str]) -> set[str]:
        from quark_core.engine.replay import replay

        seen: set[str] = set()
        replay(model, (found.batch,), lambda layer, _value: seen.add(layer), layers)
        return seen

    def test_its_executor_leaves_the_model_alone(self) -> None:
        from quark_core.engine.untouched import marks, touched

        for found in self.runs():
            device = self.device()
            if not isinstance(device, Executes):
                return
            before, output = marks(found.final), found.final(found.batch)
            try:
                device.executor(found.final)
            except DeviceError:
                continue
            part = touched(before, marks(found.final))
            assert part is None, f"{found.what}: executor changed {part!r} of its model; work on copy.deepcopy(model)"
            same = found.final(found.batch).equal(output)
            assert same, f"{found.what}: executor changed what its model computes; work on copy.deepcopy(model)"

    def test_layers_say_how_they_compute(self) -> None:
        from quark_core.engine.marks import noted_layers

        for name, model, found in self.finals():
            paths = model.layer_paths if isinstance(model, Lowered) else {}
            layers = {layer.name for layer in found.plan.layers} | noted_layers(found.final)
            assert set(paths) <= layers, f"{name}: layer_paths names no layers: {sorted(set(paths) - layers)}"
            unseen = set(paths) - self._seen(model, found, set(paths))
            assert not unseen, f"{name}: a replay does not show {sorted(unseen)}; copy the `meta` of replaced nodes"
