"""A saved model comes back with the same outputs bit for bit, and only from a folder that is whole."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from quark_core.config.type import Dtype
from quark_core.engine.artifact import CONFIG, MANIFEST, TENSORS
from quark_core.engine.loading import load
from quark_core.engine.quantizer import parameter_quantizers
from quark_core.errors import ArtifactError, ModelError
from tests.unit.engine.sample_nets import (
    DYNAMIC,
    INT8,
    ROWS8,
    Attend,
    ResidualAttention,
    Tied,
    convnet,
    images,
    mlp,
    run,
)


def fresh(model: nn.Module) -> nn.Module:
    """Return ``model`` with every value spoilt: nothing that is loaded may come from it."""
    with torch.no_grad():
        for value in model.state_dict().values():
            value.fill_(1)
    return model


def again(model: nn.Module, batch: Any, folder: Path, make: Callable[[], nn.Module], **settings: Any) -> nn.Module:
    """Quantize, save, load into a fresh network, compare every bit of the outputs and return what was loaded."""
    final = run(model, batch, **settings)
    loaded = load(final.save(folder), fresh(make()))
    with torch.no_grad():
        expected, got = final.model(batch), loaded(batch)
    assert got.dtype == expected.dtype
    assert torch.equal(got, expected)
    assert loaded.state_dict().keys() == final.model.state_dict().keys()
    for name, value in final.model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name
        assert loaded.state_dict()[name].dtype == value.dtype, name
    assert not loaded.training
    return loaded


class Wide(nn.Module):
    """Channels that divide by 32, for MX."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(11)
        self.conv = nn.Conv2d(32, 32, 1)
        self.norm = nn.BatchNorm2d(32)
        self.fc = nn.Linear(32, 32)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.fc(self.norm(self.conv(x)).mean((2, 3)))
        return result


@pytest.mark.parametrize("mode", ["eager_mode", "fx_graph_mode"])
@pytest.mark.parametrize("dtype", [d.value for d in Dtype])
def test_every_seed_dtype(tmp_path: Path, dtype: str, mode: str) -> None:
    settings = {"dtype": dtype}
    again(Wide(), torch.randn(2, 32, 3, 3), tmp_path / "out", Wide, weight=settings, input=settings, mode=mode)


@pytest.mark.parametrize("float_dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("settings", [ROWS8, {"dtype": "fp8_e4m3"}, {"dtype": "bfloat16"}])
def test_models_in_other_float_types(tmp_path: Path, float_dtype: torch.dtype, settings: dict[str, Any]) -> None:
    def make() -> nn.Module:
        return mlp().to(float_dtype)

    again(make(), torch.randn(4, 6).to(float_dtype), tmp_path / "out", make, weight=settings, input=INT8, bias=INT8)


CHOICES: dict[str, dict[str, Any]] = {
    "asymmetric": {"input": {"dtype": "uint8", "symmetric": False}, "weight": {"dtype": "uint4", "symmetric": False}},
    "groups": {"weight": {"dtype": "int4", "qscheme": "per_group", "group_size": 2}, "input": DYNAMIC},
    "powers of two": {"weight": ROWS8 | {"scale_type": "pof2"}, "output": INT8 | {"scale_type": "pof2"}},
    "everything": {"weight": ROWS8, "input": INT8, "output": INT8, "bias": {"dtype": "int8", "qscheme": "per_channel"}},
}


@pytest.mark.parametrize("name", CHOICES)
def test_schemes_and_roles(tmp_path: Path, name: str) -> None:
    again(mlp(), torch.randn(4, 6), tmp_path / "out", mlp, **CHOICES[name])


def test_tied_weights_come_back_tied(tmp_path: Path) -> None:
    loaded = again(Tied(), torch.arange(12).reshape(1, 12), tmp_path / "out", Tied, weight=ROWS8, input=INT8)
    assert loaded.get_submodule("embed").get_parameter("weight") is loaded.get_submodule("head").get_parameter("weight")
    assert len({q for *_, q in parameter_quantizers(loaded)}) == 1


class Cross(nn.Module):
    """Attention with separate projections."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True, kdim=6, vdim=4)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.attention(x, x[..., :6], x[..., :4])[0]
        return result


@pytest.mark.parametrize("separate", [False, True])
def test_attention(tmp_path: Path, separate: bool) -> None:
    def make() -> nn.Module:
        torch.manual_seed(12)
        return Cross() if separate else Attend(ResidualAttention(8, 2, batch_first=True))

    again(make(), torch.randn(2, 5, 8), tmp_path / "out", make, weight=ROWS8, input=INT8, bias=INT8)


def test_transformer_layers(tmp_path: Path) -> None:
    def make() -> nn.Module:
        torch.manual_seed(12)
        return nn.TransformerEncoder(
            nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2, enable_nested_tensor=False
        )

    again(make(), torch.randn(2, 5, 8), tmp_path / "out", make, weight=ROWS8, input=INT8)


def test_the_model_given_is_not_changed(tmp_path: Path) -> None:
    net = fresh(mlp()).train()
    load(run(mlp(), weight=INT8).save(tmp_path / "out"), net)
    assert all(bool((value == 1).all()) for value in net.state_dict().values())
    assert net.training


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return run(convnet(), images(), weight=ROWS8, input=INT8).save(tmp_path / "out")


@pytest.mark.parametrize("name", [MANIFEST, CONFIG, TENSORS])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ArtifactError, match=f"is not a folder that Quark Core saved \\({name}: No such file"):
        load(folder, convnet())


@pytest.mark.parametrize("name", [CONFIG, TENSORS])
@pytest.mark.parametrize(
    "damage", [lambda b: b[:-9], lambda b: b + b" ", lambda b: b[:20] + b"?" + b[21:], lambda _: b""]
)
def test_a_damaged_file_is_named(folder: Path, name: str, damage: Callable[[bytes], bytes]) -> None:
    (folder / name).write_bytes(damage((folder / name).read_bytes()))
    with pytest.raises(
        ArtifactError, match=f"{name}: does not match the manifest's sha256; the file was changed or is"
    ):
        load(folder, convnet())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not JSON"),
        ("[]", "should hold a JSON object"),
        ("[" * 100_000, "is not JSON"),
        ("{}", "has format None, this Quark Core reads 1; use the version that wrote it"),
        ('{"format": 99}', "has format 99"),
        ('{"format": 1, "sha256": 3}', "does not match the manifest's sha256"),
    ],
)
def test_a_bad_manifest_is_refused(folder: Path, text: str, said: str) -> None:
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(ArtifactError, match=said):
        load(folder, convnet())


def forge(folder: Path, name: str, data: bytes, **changes: Any) -> None:
    """Change a file and the manifest with it, as a mean hand would."""
    (folder / name).write_bytes(data)
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    manifest["sha256"][name] = sha256(data).hexdigest()
    (folder / MANIFEST).write_text(json.dumps(manifest | changes), encoding="utf-8")


def test_forged_files_are_still_checked(folder: Path) -> None:
    forge(folder, CONFIG, b'{"weight": {"dtype": "int9"}}')
    with pytest.raises(ArtifactError, match=r"its config is not valid here: weight\.dtype: no installed plugin adds"):
        load(folder, convnet())
    forge(folder, CONFIG, b'{"version": 1, "weight": {"dtype": "int4", "qscheme": "per_channel"}}')
    with pytest.raises(ArtifactError, match=r"made with other settings or for another network: 0\.input is int8"):
        load(folder, convnet())
    forge(folder, TENSORS, b"\x80\x04pickle")
    with pytest.raises(ArtifactError, match=f"{TENSORS}: "):
        load(folder, convnet())


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("quantized/0.weight/codes", None, r"^0\.weight: the saved folder holds no codes for it"),
        ("quantized/0.weight/codes", torch.zeros(3, dtype=torch.uint8), r"^0\.weight: what is saved does not fit"),
        ("quantized/0.weight/codes", torch.zeros(216), r"^0\.weight: what is saved does not fit"),
        ("quantized/0.weight/scale", None, r"^0\.weight: what is saved does not fit the model: int8 needs params"),
        ("quantized/0.weight/scale", torch.ones(3), r"^0\.weight: what is saved does not fit the model: params"),
        ("quantized/0.input/scale", None, r"^0\.input: the saved folder holds no scale for it"),
        ("float/1.running_mean", None, "1.running_mean is torch.float32\\[8\\], saved is nothing"),
        ("float/1.running_mean", torch.ones(9), "saved is torch.float32\\[9\\]"),
        ("float/0.bias", torch.ones(8, dtype=torch.float64), "saved is torch.float64\\[8\\]"),
    ],
)
def test_tensors_that_do_not_fit_are_named(folder: Path, name: str, value: Tensor | None, said: str) -> None:
    tensors = load_file(folder / TENSORS)
    del tensors[name]
    save_file(tensors | ({name: value} if value is not None else {}), folder / "new")
    forge(folder, TENSORS, (folder / "new").read_bytes())
    with pytest.raises(ArtifactError, match=said):
        load(folder, convnet())


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    folder = run(mlp(), torch.randn(2, 6), weight=ROWS8, input=INT8).save(tmp_path / "out")
    with pytest.raises(
        ArtifactError, match=r"for another network: 0\.input is int8 .* in the folder and not quantized"
    ):
        load(folder, Tied())
    with pytest.raises(ArtifactError, match=r"^(0|2)\.weight: what is saved does not fit the model"):
        load(folder, nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 4)))
    with pytest.raises(ArtifactError, match=r"not made for this network: 0\.bias is torch\.float64"):
        load(folder, mlp().double())
    with pytest.raises(ModelError, match=r"a torch\.nn\.Module is needed, not str"):
        load(folder, "mlp")  # type: ignore[arg-type]  # what this test is about
    folder = run(mlp(), weight=INT8, exclude=["2"]).save(tmp_path / "out")
    with pytest.raises(ArtifactError, match=r"was not made for this network:\n.*pattern '2' matches no layer"):
        load(folder, nn.Sequential(nn.Linear(6, 16)))


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text", encoding="utf-8")
    for path in (tmp_path / "nowhere", tmp_path, tmp_path / "file"):
        with pytest.raises(ArtifactError, match="is not a folder that Quark Core saved"):
            load(path, mlp())
