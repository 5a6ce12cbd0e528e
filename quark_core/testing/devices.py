"""The suite for a device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from quark_core.errors import DeviceError
from quark_core.plugin import Device, DeviceSpec
from quark_core.registry import current
from quark_core.testing.options import build
from quark_core.testing.suite import Suite

if TYPE_CHECKING:
    from torch import nn


def _net() -> nn.Module:
    from torch import nn

    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2)).eval()


class DeviceTests(Suite, abstract=True):
    """Checks a device. Set ``spec``; ``options`` where it has options without defaults."""

    required = {"spec": DeviceSpec}
    spec: ClassVar[DeviceSpec]
    options: ClassVar[Mapping[str, Any]] = {}
    """Options to test with."""

    def device(self) -> Device:
        """Return a new device."""
        made: Device = build(self.spec, self.options)
        return made

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

    def test_its_capabilities_allow_something(self) -> None:
        assert self.spec.capabilities != (), "capabilities=() takes nothing; leave it out to take everything"

    def test_adjusting_leaves_a_float_model_alone(self) -> None:
        import torch

        model, x = _net(), torch.randn(2, 3, 4, 4)
        before, expected = {k: v.clone() for k, v in model.state_dict().items()}, model(x)
        self.device().adjust(model)
        after = model.state_dict()
        assert list(before) == list(after), "adjust changes scales of quantizers, nothing else"
        assert all(torch.equal(before[key], after[key]) for key in before), "adjust changed a float weight"
        assert torch.equal(model(x), expected)

    def lowered(self) -> nn.Module | DeviceError:
        """Return what lowering gives: a module, or the refusal."""
        try:
            return self.device().lower(_net())
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
