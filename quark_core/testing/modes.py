"""The suite for a mode."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from quark_core.plugin import Mode, ModeSpec, Plan
from quark_core.testing.options import build, make
from quark_core.testing.suite import Suite

if TYPE_CHECKING:
    from torch import Tensor, nn

    from quark_core import QuantConfig, Result


class ModeTests(Suite, abstract=True):
    """Checks a mode. Set ``spec``; ``options`` where it has options without defaults."""

    required = {"spec": ModeSpec}
    spec: ClassVar[ModeSpec]
    options: ClassVar[Mapping[str, Any]] = {}
    """Options to test with."""
    least_decibels: ClassVar[float] = 20.0
    """How close int8 must come to floating point."""

    def mode(self) -> Mode:
        """Return a new mode."""
        made: Mode = build(self.spec, self.options)
        return made

    def config(self) -> QuantConfig:
        """Return int8 for weights and inputs."""
        from quark_core import QuantConfig, TensorConfig
        from quark_core.config.type import QSchemeType

        weight = TensorConfig(dtype="int8", qscheme=QSchemeType.per_channel)
        return QuantConfig(mode=make(self.spec, self.options), weight=weight, input=TensorConfig(dtype="int8"))

    def nets(self) -> Iterator[tuple[str, nn.Module, Tensor]]:
        """Yield networks, each with a batch."""
        from quark_core.testing import nets

        for name in nets.NETS:
            yield (name, *nets.make(name))

    def tied(self) -> tuple[nn.Module, Tensor]:
        """Return a network whose ``embed`` and ``head`` share one weight, with a batch."""
        from quark_core.testing import nets

        return nets.make("tied")

    def plan(self, model: nn.Module, batch: Tensor) -> Plan:
        """Return what is to happen to the model."""
        from quark_core import make_plan

        return make_plan(self.config(), self.mode().outline(model, (batch,)))

    def prepared(self, model: nn.Module, batch: Tensor) -> nn.Module:
        """Return a copy of the model with quantizers that observe."""
        own = copy.deepcopy(model)
        return self.mode().prepare(own, self.plan(own, batch), (batch,))

    def quantized(self, model: nn.Module, batch: Tensor) -> Result:
        """Return the result of the whole pipeline."""
        from quark_core import quantize

        return quantize(model, self.config(), calibration=[batch], progress=False)

    def test_the_outline_lists_every_layer_with_parameters(self) -> None:
        for name, model, batch in self.nets():
            listed = {layer.name for layer in self.mode().outline(model, (batch,)).layers}
            owners = {n for n, module in model.named_modules() if any(True for _ in module.parameters(recurse=False))}
            assert owners <= listed, f"{name}: the outline leaves out {sorted(owners - listed)}"

    def test_the_outline_counts_every_parameter_once(self) -> None:
        for name, model, batch in self.nets():
            counted = sum(layer.parameters for layer in self.mode().outline(model, (batch,)).layers)
            there = sum(parameter.numel() for parameter in model.parameters())
            assert counted == there, f"{name}: the outline counts {counted} values, the model has {there}"

    def test_the_outline_needs_no_data(self) -> None:
        for name, model, batch in self.nets():
            without, given = self.mode().outline(model, None), self.mode().outline(model, (batch,))
            names = ([layer.name for layer in outline.layers] for outline in (without, given))
            assert next(names) == next(names), f"{name}: with example inputs the outline has other layers than without"

    def test_what_it_cannot_quantize_has_a_reason(self) -> None:
        for name, model, batch in self.nets():
            for layer in self.mode().outline(model, (batch,)).layers:
                silent = layer.parameters and not layer.tensors and not (layer.unsupported or "").strip()
                assert not silent, f"{name}: layer {layer.name!r} has parameters and no tensors; say why: unsupported"

    def test_tied_weights_share_a_storage(self) -> None:
        model, batch = self.tied()
        weights = [
            (tensor.storage, tensor.elements)
            for layer in self.mode().outline(model, (batch,)).layers
            for tensor in layer.tensors
            if tensor.role == "weight"
        ]
        assert len(weights) == 2, f"the tied network has two weights, the outline {len(weights)}"
        assert weights[0][0] == weights[1][0] is not None, "tied weights must name the same storage"
        assert 0 in (weights[0][1], weights[1][1]), "the values of a tied weight count once"

    def test_outlining_changes_nothing(self) -> None:
        import torch

        for name, model, batch in self.nets():
            expected, modules = model(batch), [id(module) for module in model.modules()]
            self.mode().outline(model, (batch,))
            assert torch.equal(model(batch), expected), f"{name}: the model computes something else afterwards"
            assert [id(module) for module in model.modules()] == modules, f"{name}: modules were replaced"

    def test_a_prepared_model_computes_the_same(self) -> None:
        import torch

        for name, model, batch in self.nets():
            expected = model(batch)
            got = self.prepared(model, batch)(batch)
            assert torch.equal(got, expected), f"{name}: while they observe, quantizers return their input"

    def test_there_is_a_quantizer_at_each_tensor_of_the_plan(self) -> None:
        from quark_core.engine.authoring import parameter_quantizers, quantizers

        for name, model, batch in self.nets():
            plan, prepared = self.plan(model, batch), self.prepared(model, batch)
            there = {quantizer.key for quantizer in quantizers(prepared)}
            # One quantizer serves all owners of a tied weight.
            owned = {f"{tensor.storage}" for tensor in plan.tensors() if tensor.storage}
            missing = {t.key for t in plan.tensors() if not t.storage} - there
            assert not missing, f"{name}: no quantizer at {sorted(missing)}"
            assert len({q for *_, q in parameter_quantizers(prepared)}) == len(owned), f"{name}: one for each parameter"

    def test_names_in_the_state_dict_stay(self) -> None:
        for name, model, batch in self.nets():
            lost = set(model.state_dict()) - set(self.quantized(model, batch).model.state_dict())
            assert not lost, f"{name}: {sorted(lost)} are gone, so checkpoints no longer fit"

    def test_int8_stays_close_to_float(self) -> None:
        import torch

        from quark_core.testing import nets

        for name, model, batch in self.nets():
            got, expected = self.quantized(model, batch).model(batch), model(batch)
            near = nets.decibels(expected, got)
            assert near >= self.least_decibels, f"{name}: {near:.1f} dB, {self.least_decibels} are needed"
            assert not torch.equal(got, expected), f"{name}: nothing was quantized"

    def test_a_saved_model_loads_the_same(self) -> None:
        import torch

        from quark_core import load

        for name, model, batch in self.nets():
            result = self.quantized(model, batch)
            with TemporaryDirectory() as folder:
                result.save(Path(folder) / "saved")
                try:
                    loaded = load(Path(folder) / "saved", model)
                except Exception as error:  # noqa: BLE001 - whatever it is, users would meet it
                    pytest.fail(f"{name}: what was saved cannot be loaded: {type(error).__name__}: {error}")
            same = torch.equal(loaded(batch), result.model(batch))
            assert same, f"{name}: what was saved and loaded computes something else"

    def test_tied_weights_stay_tied(self) -> None:
        model, batch = self.tied()
        final = dict(self.quantized(model, batch).model.named_parameters(remove_duplicate=False))
        assert final["embed.weight"] is final["head.weight"], "one parameter became two"

    def test_no_layer_is_lost_in_silence(self) -> None:
        for name, model, batch in self.nets():
            plan = self.plan(model, batch)
            silent = [x.name for x in plan.layers if x.parameters and not x.quantized_parameters and not x.reason]
            assert not silent, f"{name}: {silent} stay float without a reason"
