"""Layers found and replaced: alike in models of modules, in traced and in exported graphs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from quark_core import QuantConfig, quantize
from quark_core.engine.authoring import Made, Site, lower_layers
from quark_core.plugin import LayerPath
from tests.unit.engine.sample_nets import INT8

X = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    """A convolution, a function of a weight, a layer that is called twice, and a class of its own."""

    def __init__(self, *, functions: bool) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.conv = nn.Conv2d(3, 4, 3, stride=2)
        self.held: nn.Module = nn.Linear(36, 6) if functions else nn.Sequential(nn.Linear(36, 6))
        self.twice = nn.Linear(6, 6, bias=False)
        self.again = self.twice
        self.shifted = Shifted(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.conv(x)).flatten(1)
        held: Any = self.held
        x = functional.linear(x, held.weight, held.bias) if isinstance(held, nn.Linear) else held(x)
        result: Tensor = self.shifted(self.again(self.twice(x)))
        return result


class Shifted(nn.Linear):
    """More than a linear layer."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # as in torch.nn.Linear
        return super().forward(input) + 1


class Same(nn.Module):
    """What the layer computed, from what a device is told of it."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        self.site = site

    def forward(self, x: Tensor) -> Tensor:
        site = self.site
        if site.input_quantizer is not None:
            x = site.input_quantizer(x)
        if site.how is None:
            return functional.linear(x, site.weight, site.bias)
        how = site.how
        for pads in how.pads:
            x = functional.pad(x, pads)
        return functional.conv2d(x, site.weight, site.bias, how.stride, how.padding, how.dilation, how.groups)


def lowered(model: nn.Module, mode: Any, x: Tensor, **parts: Any) -> tuple[Any, list[Site]]:
    """Return ``model``, quantized and with layers replaced, and what was told of them."""
    config = QuantConfig.model_validate({"mode": mode, "weight": INT8, "input": INT8, **parts})
    result = quantize(model.eval(), config, calibration=[x], progress=False)
    seen: list[Site] = []

    def make(site: Site) -> Made:
        seen.append(site)
        return Same(site), LayerPath("integer", site.kind)

    before = result.model(x)
    made: Any = lower_layers(result.model, make)
    torch.testing.assert_close(made(x), before, rtol=0, atol=1e-6)
    return made, seen


FOUND = [
    ("eager_mode", False, ["conv", "held.0", "twice"], {"shifted"}),
    ("fx_graph_mode", True, ["conv", "linear", "twice", "twice.call2"], {"shifted"}),
    (
        {"name": "fx_graph_mode", "trace": "export"},
        True,
        ["conv", "linear", "twice", "again", "shifted.linear"],
        set(),
    ),
]


@pytest.mark.parametrize("output", [{}, {"output": INT8}], ids=["", "outputs"])
@pytest.mark.parametrize(("mode", "functions", "replaced", "kept"), FOUND, ids=["eager", "traced", "exported"])
def test_every_layer_is_found_with_its_operands(
    mode: Any, functions: bool, replaced: list[str], kept: set[str], output: dict[str, Any]
) -> None:
    made, seen = lowered(Net(functions=functions), mode, X, **output)
    assert [site.layer for site in seen] == replaced
    for site in seen:
        assert site.weight_quantizer is not None
        assert site.input_quantizer is not None
        assert (site.how is None) == (site.kind == "linear")
        assert (site.bias is None) == (site.weight.shape == (6, 6) and site.layer in ("twice", "twice.call2", "again"))
    assert {name for name, path in made.layer_paths.items() if path.path == "simulated"} == kept
    assert all(made.layer_paths[name].why for name in kept)


@pytest.mark.parametrize("mode", ["eager_mode", "fx_graph_mode"])
def test_layers_within_attention_stay(mode: str) -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0)
    made, seen = lowered(nn.Sequential(layer), mode, torch.randn(2, 5, 8))
    assert {"0.linear1", "0.linear2"} <= {site.layer for site in seen}
    if mode == "eager_mode":
        why = LayerPath("simulated", "attention reads the parameters of its projection")
        assert made.layer_paths["0.self_attn.out_proj"] == why


def test_the_whole_model_may_be_one_layer() -> None:
    made, seen = lowered(nn.Linear(4, 3), "eager_mode", torch.randn(5, 4), output=INT8)
    assert [site.layer for site in seen] == [""]
    assert made.layer_paths == {"": LayerPath("integer", "linear")}


def test_what_is_not_quantized_is_left_alone() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.Conv2d(1, 1, 1))
    assert lower_layers(model, lambda _site: LayerPath("float")) is model
    assert model.layer_paths == {}


def test_a_layer_may_stay_with_a_reason() -> None:
    config = QuantConfig.model_validate({"weight": INT8})
    result = quantize(nn.Sequential(nn.Linear(4, 3)), config, progress=False)
    made: Any = lower_layers(result.model, lambda site: LayerPath("simulated", f"{site.layer} is too small"))
    assert made.layer_paths == {"0": LayerPath("simulated", "0 is too small")}
