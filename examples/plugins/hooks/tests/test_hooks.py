"""The conformance kit, and what becomes of models, copies and folders."""

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

import quark_core as qc
import quark_hooks
from quark_core.engine.authoring import restore_modules
from quark_core.errors import ModelError, PlanError
from quark_core.testing import ModeTests, PluginTests

INT8: dict[str, Any] = {"weight": {"dtype": "int8", "qscheme": "per_channel"}, "input": {"dtype": "int8"}}


class TestPlugin(PluginTests):
    module = "quark_hooks"
    options = {"hooks.hook_mode": {"classes": ["Projection", "Join"]}}


class TestHooks(ModeTests):
    spec = quark_hooks.HOOKS


def hooked(model: nn.Module, *batches: Any, **fields: Any) -> qc.Result:
    """Return ``model`` quantized by hooks; int8 where ``fields`` of a config do not say otherwise."""
    config = qc.QuantConfig.model_validate({"mode": "hooks.hook_mode", **INT8, **fields})
    return qc.quantize(model.eval(), config, calibration=batches, progress=False)


class Net(nn.Module):
    """A convolution, a norm and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(self.norm(self.conv(x)).relu().mean((2, 3)))
        return y


def test_modules_are_the_same_objects_of_the_same_classes() -> None:
    model = Net().eval()
    before = {name: (id(module), type(module)) for name, module in model.named_modules()}
    config = qc.QuantConfig.model_validate({"mode": "hooks.hook_mode", **INT8, "output": {"dtype": "int8"}})
    mode: Any = quark_hooks.HOOKS.impl.load()(quark_hooks.HookOptions())
    prepared = mode.prepare(model, qc.make_plan(config, mode.outline(model, None)), None)
    after = {name: (id(module), type(module)) for name, module in prepared.named_modules()}
    assert {name: after[name] for name in before} == before
    assert sorted(set(after) - set(before)) == [
        f"{layer}.{tensor}_quantizer" for layer in ("conv", "head") for tensor in ("input", "output", "weight")
    ]


def test_saved_folders_give_the_same_bits_and_hold_no_pickle(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, x = Net(), torch.randn(2, 3, 8, 8)
    result = hooked(model, x, output={"dtype": "uint8", "symmetric": False})
    folder = result.save(tmp_path / "saved")
    assert torch.equal(qc.load(folder, model=Net())(x), result.model(x))
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "manifest.json", "model.safetensors"]
    assert load_file(folder / "model.safetensors")["quantized/head.weight/codes"].dtype == torch.uint8
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["plugins"]["hooks"].startswith("quark-hooks")


def test_a_plain_network_comes_back() -> None:
    torch.manual_seed(0)
    model, x = Net().eval(), torch.randn(2, 3, 8, 8)
    result = hooked(model, x, output={"dtype": "int8"})
    restored = restore_modules(copy.deepcopy(result.model))
    assert list(restored.state_dict()) == list(model.state_dict())
    weights = Net().eval()
    weights.load_state_dict({name: result.model.state_dict()[name] for name in model.state_dict()})
    assert torch.equal(restored(x), weights(x))


def _unpickled(model: nn.Module) -> nn.Module:
    made: nn.Module = pickle.loads(pickle.dumps(model))  # noqa: S301  # our own bytes
    return made


@pytest.mark.parametrize("copied", [copy.deepcopy, _unpickled])
def test_copies_use_their_own_quantizers(copied: Callable[[nn.Module], nn.Module]) -> None:
    torch.manual_seed(0)
    x = torch.randn(4, 8)
    result = hooked(nn.Sequential(nn.Linear(8, 8)), x)
    expected, twin = result.model(x), copied(result.model)
    assert torch.equal(twin(x), expected)
    twin.get_buffer("0.input_quantizer.scale").mul_(8)
    assert torch.equal(result.model(x), expected)
    assert not torch.equal(twin(x), expected)


def test_every_layer_has_figures_of_its_replay() -> None:
    torch.manual_seed(0)
    result = hooked(Net(), torch.randn(2, 3, 8, 8))
    assert [(layer.name, layer.path) for layer in result.report.layers] == [
        ("conv", "simulated"),
        ("head", "simulated"),
    ]
    for layer in result.report.layers:
        assert layer.local_db is not None
        assert layer.cumulative_db is not None
        assert 25 < layer.cumulative_db < 60


def test_a_tied_weight_has_one_quantizer_and_is_saved_once(tmp_path: Path) -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.head = nn.Embedding(12, 8), nn.Linear(8, 12, bias=False)
            self.head.weight = self.embed.weight

        def forward(self, tokens: Tensor) -> Tensor:
            scores: Tensor = self.head(self.embed(tokens))
            return scores

    tokens, result = torch.arange(12), hooked(Tied(), torch.arange(12))
    held = dict(result.model.named_modules(remove_duplicate=False))
    assert held["embed.weight_quantizer"] is held["head.weight_quantizer"]
    folder = result.save(tmp_path / "saved")
    codes = [name for name in load_file(folder / "model.safetensors") if name.endswith("/codes")]
    assert codes == ["quantized/embed.weight/codes"]
    again = qc.load(folder, model=Tied())
    assert torch.equal(again(tokens), result.model(tokens))
    assert again.get_parameter("embed.weight") is again.get_parameter("head.weight")


def test_a_quantized_model_is_not_quantized_again() -> None:
    x = torch.randn(4, 8)
    result = hooked(nn.Sequential(nn.Linear(8, 8)), x)
    with pytest.raises(ModelError, match="0 is quantized already; give the original float model"):
        hooked(result.model, x)


def test_an_attribute_in_the_way_is_named() -> None:
    layer: Any = nn.Linear(8, 8)
    layer.weight_quantizer = "mine"
    with pytest.raises(ModelError, match="0: it has an attribute 'weight_quantizer' already; rename that"):
        hooked(nn.Sequential(layer), torch.randn(4, 8))


def test_patterns_meet_the_layers_by_their_own_names_and_types() -> None:
    layers = [{"match": "type:Conv2d", "weight": {"dtype": "int4"}}]
    result = hooked(Net(), torch.randn(2, 3, 8, 8), layers=layers, exclude=["head"])
    assert [(t.key, t.settings.dtype.name) for t in result.plan.tensors()] == [
        ("conv.weight", "int4"),
        ("conv.input", "int8"),
    ]
    with pytest.raises(PlanError, match="did you mean 'conv'"):
        hooked(Net(), torch.randn(2, 3, 8, 8), exclude=["convs"])


def test_the_config_of_the_readme_is_valid(tmp_path: Path) -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    path = tmp_path / "readme.yaml"
    path.write_text(text.partition("```yaml\n")[2].partition("```")[0], encoding="utf-8")
    mode = qc.load_config(path).mode
    assert mode == quark_hooks.HookOptions(classes=("Projection",))
