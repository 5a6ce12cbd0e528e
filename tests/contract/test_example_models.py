"""The networks of examples/models that need no further package, from their configs."""

from pathlib import Path

import pytest
import torch

import quark_core as qc
from examples.models import small
from examples.models.measure import EXAMPLES, describe
from quark_core.cli import main

FOLDER = Path("examples/models")


@pytest.mark.parametrize(
    ("name", "layers", "edges"),
    [("digits", "5/5", "5 edges quantized by 5"), ("encoder", "20/27", "48 edges quantized by 36"),
     ("unet", "6/6", "10 edges quantized by 6"), ("thrice", "3/3", "5 edges quantized by 4"),
     ("shapes", "2/2", "2 edges quantized by 2"), ("digits_cpu", "5/5", "5 edges quantized by 5"),
     ("digits_xint8", "5/5", "10 edges quantized by 6")],
)  # fmt: skip
def test_what_the_documentation_says_of_each(name: str, layers: str, edges: str) -> None:
    lines = describe(name, EXAMPLES[name])
    assert f"layers {layers} " in lines[0]
    assert edges in lines[0]


def test_the_digits_on_both_devices() -> None:
    lines = describe("digits_cpu", EXAMPLES["digits_cpu"])
    assert "  layers: 3 x kernel (oneDNN conv2d)" in lines
    assert "  layers: 2 x kernel (fbgemm linear)" in lines
    lines = describe("digits_xint8", EXAMPLES["digits_xint8"])
    assert "  layers: 5 x integer (8-bit operands, 32-bit sums, a shift that rounds)" in lines
    assert any(
        line.startswith("  executor: ") and line.endswith("against the quantized model: exact") for line in lines
    )


def test_every_config_is_valid() -> None:
    for file in FOLDER.glob("*.yaml"):
        assert qc.load_config(file).mode


@pytest.mark.parametrize("name", ["unet", "shapes"])
def test_the_command_line_runs_them(name: str, tmp_path: Path) -> None:
    data = {"unet": "images", "shapes": "wide_images"}[name]
    model = f"examples.models.small:{name}"
    arguments = [str(FOLDER / "small.yaml"), "--model", model, "--data", f"examples.models.small:{data}"]
    with pytest.raises(SystemExit) as ended:
        main(["quantize", *arguments, "--out", str(tmp_path / "out")])
    assert not ended.value.code
    loaded = qc.load(tmp_path / "out", getattr(small, name)())
    batch = next(iter(getattr(small, data)()))
    assert isinstance(loaded, torch.fx.GraphModule)
    assert torch.isfinite(loaded(batch[:1])).all()
