"""How modules are called: twice, by name, with arguments of their own, and around their hooks."""

import re
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import quark_core as qc
from quark_core.errors import DataError, ModelError

INT8: dict[str, Any] = {"weight": {"dtype": "int8", "qscheme": "per_channel"}, "input": {"dtype": "int8"}}
DYNAMIC = {"dtype": "int8", "is_dynamic": True}


def hooked(model: nn.Module, *batches: Any, mode: str = "hooks.hook_mode", **fields: Any) -> qc.Result:
    """Return ``model`` quantized by hooks; int8 where ``fields`` of a config do not say otherwise."""
    config = qc.QuantConfig.model_validate({"mode": mode, **INT8, **fields})
    return qc.quantize(model.eval(), config, calibration=batches, progress=False)


class Twice(nn.Module):
    """Calls one layer twice, the second time with larger values."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(4, 4)
        self.same = self.one

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.one(x) + self.same(input=x * 10)
        return y


def test_a_layer_that_is_called_twice_has_one_range() -> None:
    x = torch.tensor([[1.0, -2.0, 0.5, 0.25]])
    result = hooked(Twice(), x)
    assert [tensor.key for tensor in result.plan.tensors()] == ["one.weight", "one.input"]
    assert result.model.get_buffer("one.input_quantizer.scale").tolist() == [torch.tensor(20 / 127).item()]


class Mixed(nn.Linear):
    """Orders and names its arguments in its own way."""

    def forward(self, gain: Tensor, input: Tensor) -> Tensor:  # type: ignore[override]  # noqa: A002  # models do this
        return super().forward(input) * gain


class Renamed(nn.Linear):
    """Names its argument in its own way."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)


class Passing(nn.Linear):
    """Passes on what it gets."""

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        return super().forward(*args, **kwargs)


class Calls(nn.Module):
    """Calls a layer with ``args`` and ``kwargs``, of which ``"x"`` stands for its own argument."""

    def __init__(self, layer: nn.Module, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.layer, self.args, self.kwargs = layer, args, kwargs

    def forward(self, x: Tensor) -> Tensor:
        args = [x if value == "x" else value for value in self.args]
        named = {name: x if value == "x" else value for name, value in self.kwargs.items()}
        y: Tensor = self.layer(*args, **named)
        return y


@pytest.mark.parametrize(
    "model",
    [
        Calls(nn.Linear(4, 4), "x"),
        Calls(nn.Linear(4, 4), input="x"),
        Calls(Renamed(4, 4), "x"),
        Calls(Renamed(4, 4), x="x"),
        Calls(Passing(4, 4), "x"),
        Calls(Passing(4, 4), input="x"),
        Calls(Mixed(4, 4), 3.0, "x"),
        Calls(Mixed(4, 4), 3.0, input="x"),
        Calls(Mixed(4, 4), input="x", gain=3.0),
    ],
)
def test_arguments_are_found_by_name_and_by_place(model: Calls) -> None:
    x = torch.tensor([[1.0, -2.0, 0.5, 0.26]])
    result = hooked(model, x, weight={"dtype": "int16"})
    (quantizer,) = (name for name, _ in result.model.named_modules() if name.endswith("input_quantizer"))
    assert quantizer == "layer.input_quantizer"
    assert result.model.get_buffer(f"{quantizer}.scale").tolist() == [torch.tensor(2 / 127).item()]
    scale = 2 / 127
    grid = (x / scale).round() * scale
    torch.testing.assert_close(result.model(x), model(grid), rtol=1e-3, atol=1e-4)
    assert not torch.equal(result.model(x), model(x))


def test_a_call_without_its_tensor_says_so() -> None:
    class Silent(nn.Linear):
        def forward(self, input: Tensor | None = None) -> Tensor:  # noqa: A002  # as in torch.nn.Linear
            return super().forward(torch.ones(4) if input is None else input)

    with pytest.raises(ModelError, match="layer: was called without 'input'; pass it, or skip its input"):
        hooked(Calls(Silent(4, 4)), torch.ones(4))
    with pytest.raises(ModelError, match="layer: a tensor is needed as 'input', NoneType was passed"):
        hooked(Calls(Silent(4, 4), None), torch.ones(4))


def test_outputs_of_several_activations_are_refused_and_others_kept() -> None:
    class Both(nn.Linear):
        def __init__(self, rest: Any) -> None:
            super().__init__(4, 4)
            self.rest = rest

        def forward(self, input: Tensor) -> Any:  # noqa: A002  # as in torch.nn.Linear
            return super().forward(input), self.rest

    class First(nn.Sequential):
        def forward(self, input: Tensor) -> Any:  # noqa: A002  # as in torch.nn.Sequential
            return self[0](input)[0]

    x, output = torch.randn(3, 4), {"dtype": "int8"}
    for rest in ({"more": [torch.ones(2)]}, torch.ones(2)):
        with pytest.raises(ModelError, match="0: its output is a tuple, and one quantizer serves a tensor"):
            hooked(First(Both(rest)), x, output=output)
    model = First(Both(torch.arange(3)))
    result = hooked(model, x, output=output)
    assert torch.equal(result.model(x), hooked(model, x, output=output, mode="eager_mode").model(x))


class Around(nn.Module):
    """Uses a layer without calling it, besides one that is called."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.one, self.two, self._how = nn.Linear(4, 4), nn.Linear(4, 4), how

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.one(x)
        if self._how == "forward":
            return self.two.forward(y)
        return functional.linear(y, self.two.weight, self.two.bias)


@pytest.mark.parametrize("how", ["forward", "weight"])
def test_models_that_go_around_their_hooks_are_refused(how: str) -> None:
    x = torch.randn(3, 4)
    with pytest.raises(DataError, match=re.escape("two.input: no calibration batch reached 'two'")):
        hooked(Around(how), x)
    with pytest.raises(ModelError, match=r"two\.input and 0 more .* call the module, exclude the layer"):
        hooked(Around(how), x, input=DYNAMIC)
    kept = hooked(Around(how), x, input=DYNAMIC, layers=[{"match": "two", "skip": ["input"]}])
    assert [tensor.key for tensor in kept.plan.tensors()] == ["one.weight", "one.input", "two.weight"]


def test_without_data_dynamic_scales_need_no_run() -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(4, 4)), torch.randn(3, 4)
    assert torch.equal(hooked(model, input=DYNAMIC).model(x), hooked(model, x, input=DYNAMIC).model(x))


def test_the_final_model_holds_no_hooks_but_those_that_quantize() -> None:
    result = hooked(nn.Sequential(nn.Linear(4, 4)), torch.randn(3, 4), output={"dtype": "int8"})
    hooks = [
        type(hook).__name__
        for module in result.model.modules()
        for held in (module._forward_pre_hooks, module._forward_hooks)  # noqa: SLF001  # torch has no public list
        for hook in held.values()
    ]
    assert hooks == ["QuantizeInputs", "QuantizeOutput"]


def test_attention_keeps_its_projection_float_and_says_why() -> None:
    class Attends(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            found: Tensor = self.attention(x, y, value=y, need_weights=False)[0]
            return found

    torch.manual_seed(0)
    model, batch = Attends(), (torch.randn(2, 5, 8), torch.randn(2, 3, 8))
    result = hooked(model, batch)
    held = [t.key for t in result.plan.tensors()]
    assert held == [
        "attention.in_proj_weight",
        "attention.query",
        "attention.key",
        "attention.value",
        "attention.out_proj.weight",
    ]
    (left,) = result.report.left_float
    assert left.name == "attention.out_proj"
    assert left.reason.startswith("input and output stay float: attention reads the parameters of its projection")
    # Eager mode quantizes the same, where it is told to leave those activations alone.
    skipped = [{"match": "attention.out_proj", "skip": ["input"]}]
    expected = hooked(model, batch, mode="eager_mode", layers=skipped)
    torch.testing.assert_close(result.model(*batch), expected.model(*batch), rtol=1e-5, atol=1e-6)
    difference = (result.model(*batch) - model(*batch)).abs().max()
    assert difference > 1e-4


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_transformers_leave_the_kernels_that_call_no_layer() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    model, x = nn.TransformerEncoder(layer, 2).eval(), torch.randn(3, 5, 8)
    mask = torch.tensor([[False] * 5, [False] * 3 + [True] * 2, [False] * 4 + [True]])
    batch = {"src": x, "src_key_padding_mask": mask}
    skipped = [{"match": f"layers.{index}.self_attn.out_proj", "skip": ["input"]} for index in (0, 1)]
    result, expected = hooked(model, batch), hooked(model, batch, mode="eager_mode", layers=skipped)
    assert [t.key for t in result.plan.tensors()] == [t.key for t in expected.plan.tensors()]
    with torch.no_grad():
        got, wanted = result.model(**batch), expected.model(**batch)
        torch.testing.assert_close(got[~mask], wanted[~mask], rtol=1e-4, atol=1e-5)
    assert all(layer.cumulative_db is not None for layer in result.report.layers if "out_proj" not in layer.name)
