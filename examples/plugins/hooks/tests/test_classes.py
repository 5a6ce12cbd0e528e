"""Classes that eager mode cannot treat: they derive from no operator, or forbid subclasses; objects with a forward."""

import math
import types
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn import functional

import quark_core as qc
import quark_hooks
from quark_core.config.load import loads_config
from quark_core.errors import ModelError, PlanError

INT8: dict[str, Any] = {"weight": {"dtype": "int8", "qscheme": "per_channel"}, "input": {"dtype": "int8"}}


def hooked(model: nn.Module, *batches: Any, classes: tuple[str, ...] = (), **fields: Any) -> qc.Result:
    """Return ``model`` quantized by hooks; int8 where ``fields`` of a config do not say otherwise."""
    mode = quark_hooks.HookOptions(classes=classes).model_dump(mode="json")
    config = qc.QuantConfig.model_validate({"mode": mode, **INT8, **fields})
    return qc.quantize(model.eval(), config, calibration=batches, progress=False)


def eager(model: nn.Module, *batches: Any, **fields: Any) -> qc.Result:
    config = qc.QuantConfig.model_validate({**INT8, **fields})
    return qc.quantize(model.eval(), config, calibration=batches, progress=False)


def keys(result: qc.Result) -> list[str]:
    return [tensor.key for tensor in result.plan.tensors()]


def reasons(result: qc.Result) -> dict[str, str]:
    return {layer.name: layer.reason for layer in result.report.left_float}


class Projection(nn.Module):
    """Derives from no operator."""

    def __init__(self, wide: int, out: int) -> None:
        super().__init__()
        self.kernel, self.bias = nn.Parameter(torch.randn(out, wide) / wide**0.5), nn.Parameter(torch.randn(out))

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.kernel, self.bias)


def projections() -> tuple[nn.Module, nn.Module]:
    """Return a network of projections, and one of linear layers that computes the same."""
    torch.manual_seed(0)
    own = nn.Sequential(Projection(8, 6), nn.ReLU(), Projection(6, 4))
    plain = nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 4))
    plain.load_state_dict({name.replace("kernel", "weight"): value for name, value in own.state_dict().items()})
    return own, plain


def test_a_named_class_is_quantized_as_eager_mode_quantizes_a_linear_layer() -> None:
    own, plain = projections()
    x, fields = torch.randn(5, 8), {"output": {"dtype": "int8"}, "bias": {"dtype": "int8"}}
    with pytest.raises(PlanError, match="Projection has no quantized form"):
        eager(own, x, **fields)
    expected, result = eager(plain, x, **fields), hooked(own, x, classes=("Projection",), **fields)
    assert torch.equal(result.model(x), expected.model(x))
    assert keys(result)[:4] == ["0.kernel", "0.bias", "0.x", "0.output"]
    assert reasons(result) == {}
    assert result.report.coverage == expected.report.coverage
    assert result.report.layers == expected.report.layers


def test_saved_folders_keep_which_classes_were_meant(tmp_path: Path) -> None:
    x = torch.randn(5, 8)
    result = hooked(projections()[0], x, classes=("Projection",), weight={"dtype": "int4", "qscheme": "per_channel"})
    folder = result.save(tmp_path / "saved")
    assert torch.equal(qc.load(folder, model=projections()[0])(x), result.model(x))
    lowered = qc.load(folder, model=projections()[0], lower=True)
    assert torch.equal(lowered(x), result.model(x))


def test_subclasses_count_and_the_others_say_why_they_stay() -> None:
    class Wider(Projection):
        """Derived."""

    result = hooked(nn.Sequential(Wider(8, 8), nn.LayerNorm(8)), torch.randn(5, 8), classes=("Projection",))
    assert keys(result) == ["0.kernel", "0.x"]
    assert reasons(result) == {"1": "LayerNorm has no quantized form"}


def test_recurrent_layers_are_quantized_too() -> None:
    torch.manual_seed(0)
    model, x = nn.GRU(8, 6, batch_first=True), torch.randn(2, 5, 8)
    result = hooked(model, x, classes=("GRU",))
    assert keys(result) == ["weight_ih_l0", "weight_hh_l0", "input"]
    assert reasons(result) == {"": "hx is optional"}
    # Symmetric int8, one scale for a row: its largest magnitude is 127 steps.
    weight = model.get_parameter("weight_ih_l0").detach()
    scale = weight.abs().amax(1, keepdim=True) / 127
    torch.testing.assert_close(result.model.get_parameter("weight_ih_l0"), (weight / scale).round() * scale)
    assert not torch.equal(result.model(x)[0], model(x)[0])
    with pytest.raises(ModelError, match=r"the model: its output is a tuple, and one quantizer serves a tensor"):
        hooked(model, x, classes=("GRU",), output={"dtype": "int8"})


class Join(nn.Module):
    """Has inputs by place and by name, one that may be missing, and no parameters of any use."""

    def __init__(self) -> None:
        super().__init__()
        self.share, self.count = nn.Parameter(torch.tensor(0.5)), nn.Parameter(torch.arange(3), requires_grad=False)

    def forward(self, x: Tensor, /, times: int, *, y: "Tensor", mask: Tensor | None = None) -> tuple[Tensor, int]:
        joined = torch.cat([x * self.share, y * times], -1)
        return (joined if mask is None else joined * mask), times


class Joined(nn.Module):
    """Calls a join."""

    def __init__(self) -> None:
        super().__init__()
        self.join = Join()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        joined: Tensor = self.join(x, 2, y=y)[0]
        return joined


def test_modules_of_several_inputs_get_a_quantizer_for_each() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(4, 3), torch.randn(4, 5) * 9
    result = hooked(Joined(), (x, y), classes=("Join",), output={"dtype": "bfloat16"})
    assert keys(result) == ["join.x", "join.y", "join.output"]
    assert reasons(result) == {
        "join": "share is a single number; count is not floating point; mask is optional",
    }

    def on_grid(value: Tensor) -> Tensor:
        scale = value.abs().max() / 127
        return (value / scale).round() * scale

    expected = torch.cat([on_grid(x) * 0.5, on_grid(y) * 2], -1).bfloat16().float()
    torch.testing.assert_close(result.model(x, y), expected, rtol=2**-7, atol=0)


def test_a_class_that_forbids_subclasses() -> None:
    class Sealed(nn.Linear):
        def __init_subclass__(cls) -> None:
            raise TypeError("final")

        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x).tanh()

    torch.manual_seed(0)
    sealed, linear, x = Sealed(8, 4), nn.Linear(8, 4), torch.randn(5, 8)
    with pytest.raises(ModelError, match="forbids subclasses"):
        eager(nn.Sequential(sealed), x)
    result = hooked(nn.Sequential(sealed), x)
    linear.load_state_dict(sealed.state_dict())
    assert torch.equal(result.model(x), eager(linear, x).model(x).tanh())
    assert type(result.model.get_submodule("0")) is Sealed


def test_an_object_with_a_forward_of_its_own() -> None:
    torch.manual_seed(0)
    plain, x = nn.Linear(8, 4), torch.randn(5, 8)
    patched: Any = nn.Linear(8, 4)
    patched.load_state_dict(plain.state_dict())
    patched.forward = types.MethodType(lambda self, x: functional.linear(x, self.weight, self.bias).cos(), patched)
    with pytest.raises(ModelError, match="it was given a forward of its own"):
        eager(nn.Sequential(patched), x)
    assert torch.equal(hooked(nn.Sequential(patched), x).model(x), eager(plain, x).model(x).cos())


class Held(nn.Module):
    """A parameter that a class and a linear layer share."""

    def __init__(self) -> None:
        super().__init__()
        self.own, self.plain = Projection(8, 8), nn.Linear(8, 8)
        self.own.kernel = nn.Parameter(torch.randn(8, 8))
        self.plain.weight = self.own.kernel

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.plain(self.own(x))
        return y


def test_a_weight_shared_with_an_operator_is_one_tensor() -> None:
    result, x = hooked(Held(), torch.randn(5, 8), classes=("Projection",)), torch.randn(5, 8)
    assert [tensor.storage for tensor in result.plan.tensors() if tensor.role == "weight"] == ["own.kernel"] * 2
    assert result.model.get_parameter("own.kernel") is result.model.get_parameter("plain.weight")
    assert result.report.coverage.parameters == sum(math.prod(p.shape) for p in Held().parameters())
    assert result.report.coverage.quantized_parameters == 64
    with pytest.raises(PlanError, match="are one tied parameter"):
        hooked(Held(), x, classes=("Projection",), exclude=["own"])


def test_a_name_that_no_module_has_is_an_error() -> None:
    text = "mode: {name: hooks.hook_mode, classes: [Projektion]}\nweight: {dtype: int8}\n"
    config = loads_config(text, "yaml", file="hooks.yaml")
    with pytest.raises(PlanError) as caught:
        qc.quantize(projections()[0], config, progress=False)
    [problem] = caught.value.problems
    assert str(problem.place) == "hooks.yaml:1:41"
    assert (problem.message, problem.fix) == ("no module of this model is a Projektion", "did you mean Projection?")


def test_a_parameter_and_an_argument_of_one_name_are_refused() -> None:
    class Same(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.x = nn.Parameter(torch.ones(3))

        def forward(self, x: Tensor) -> Tensor:
            return x * self.x

    with pytest.raises(ModelError, match="0 has a parameter 'x' and an input of that name"):
        hooked(nn.Sequential(Same()), torch.randn(2, 3), classes=("Same",))


@pytest.mark.parametrize("name", ["", "my.Projection", "type:Projection", "Proj*", "a b"])
def test_options_take_plain_names_only(name: str) -> None:
    with pytest.raises(ValidationError, match="should match pattern"):
        quark_hooks.HookOptions.model_validate({"name": "hooks.hook_mode", "classes": [name]})
