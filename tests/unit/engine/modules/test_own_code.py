"""What a module runs besides its operator is known, and no kernel takes its place."""

from __future__ import annotations

import copy
from types import MethodType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from quark_core import QSchemeType, QuantConfig, TensorConfig, quantize
from quark_core.engine.authoring import (
    SUFFIX,
    Quantizer,
    convolution_of,
    float_class,
    mode_hook,
    own_code,
    quantizers,
    restore_modules,
)
from quark_core.errors import ModelError


class Doubles(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * 2


class Same(nn.Linear):
    pass


def given_a_forward() -> nn.Module:
    made = nn.Linear(8, 4)
    vars(made)["forward"] = MethodType(lambda self, x: nn.Linear.forward(self, x) * 2, made)
    return made


def hooked(*, before: bool = False, by_mode: bool = False) -> nn.Linear:
    made = nn.Linear(8, 4)

    def hook(*args: Any) -> Any:
        return args[-1] * 2 if isinstance(args[-1], Tensor) else (args[-1][0] * 2,)

    chosen: Any = mode_hook(hook) if by_mode else hook
    (made.register_forward_pre_hook if before else made.register_forward_hook)(chosen)
    return made


def test_each_kind_of_own_code_has_a_name() -> None:
    assert own_code(Doubles(8, 4), nn.Linear) == "its class has a forward of its own"
    assert own_code(given_a_forward(), nn.Linear) == "it was given a forward of its own"
    computed = nn.utils.parametrizations.weight_norm(nn.Linear(4, 4))
    assert (
        own_code(computed)
        == own_code(computed, nn.Linear)
        == ("its parameters are computed (torch.nn.utils.parametrize)")
    )
    assert own_code(hooked(), nn.Linear) == own_code(hooked(before=True)) == "it has forward hooks"


def test_plain_modules_have_none() -> None:
    for module in (nn.Linear(8, 4), Same(8, 4), hooked(by_mode=True), copy.deepcopy(hooked(by_mode=True))):
        assert own_code(module, nn.Conv2d, nn.Linear) is None
    assert own_code(Doubles(8, 4)) is None


def test_the_class_before_a_mode_is_known() -> None:
    config = QuantConfig(weight=TensorConfig(dtype="int8"))
    quantized = quantize(nn.Sequential(Doubles(8, 4)), config, progress=False).model
    layer = quantized.get_submodule("0")
    assert type(layer) is not Doubles
    assert float_class(layer) is Doubles
    assert own_code(layer, nn.Linear) == "its class has a forward of its own"


def test_a_convolution_with_hooks_does_not_only_convolve() -> None:
    plain, hooked_one = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)
    hooked_one.register_forward_hook(lambda module, args, output: output * 2)
    assert convolution_of(plain) is not None
    assert convolution_of(hooked_one) is None


@pytest.mark.parametrize("mode", ["eager_mode", "fx_graph_mode"])
@pytest.mark.parametrize("layer", [hooked(), hooked(before=True)], ids=["after", "before"])
def test_lowering_keeps_hooks(mode: str, layer: nn.Linear) -> None:
    model = nn.Sequential(nn.Linear(8, 8), layer).eval()
    x = torch.randn(64, 8)
    config = QuantConfig(
        mode=mode,
        weight=TensorConfig(dtype="int8", qscheme=QSchemeType.per_channel),
        input=TensorConfig(dtype="int8"),
    )
    result = quantize(model, config, calibration=[x], lower=True, progress=False)
    assert result.lowered is not None
    expected, got = model(x).double(), result.lowered(x).double()
    assert 10 * torch.log10(expected.square().sum() / (expected - got).square().sum()) > 30


def test_a_forward_given_to_an_object_would_pass_quantizers_by() -> None:
    int8, dynamic = TensorConfig(dtype="int8"), TensorConfig(dtype="int8", is_dynamic=True)
    with pytest.raises(ModelError, match="0: it was given a forward of its own, which would pass its quantizers by"):
        quantize(nn.Sequential(given_a_forward()), QuantConfig(weight=int8, input=dynamic), progress=False)
    plan = quantize(nn.Sequential(given_a_forward()), QuantConfig(weight=int8), progress=False).plan
    assert plan.coverage.quantized_layers == 1


def test_restoring_takes_off_a_modes_hooks_and_no_others() -> None:
    def doubled(module: nn.Module, args: Any, output: Tensor) -> Tensor:
        return output * 2

    def inputs(module: nn.Module, args: Any, kwargs: Any) -> Any:
        return module.get_submodule("input" + SUFFIX)(args[0]), kwargs

    config = QuantConfig(weight=TensorConfig(dtype="int8"), input=TensorConfig(dtype="int8", is_dynamic=True))
    model, x = nn.Sequential(nn.Linear(8, 4)), torch.randn(5, 8)
    layer = model.get_submodule("0")
    layer.register_forward_hook(doubled)
    plain = copy.deepcopy(model)
    [tensor] = [tensor for tensor in quantize(model, config, progress=False).plan.tensors() if tensor.role == "input"]
    layer.add_module("input" + SUFFIX, Quantizer(tensor))
    layer.register_forward_pre_hook(mode_hook(inputs), with_kwargs=True)
    restored = restore_modules(copy.deepcopy(model))
    assert not list(quantizers(restored))
    assert own_code(restored.get_submodule("0")) == "it has forward hooks"
    assert torch.equal(restored(x), plain(x))
