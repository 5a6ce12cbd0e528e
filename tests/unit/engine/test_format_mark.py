"""What a saved folder says of number formats: another text when their numbers change."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from quark_core import QuantConfig, load, quantize
from quark_core.engine.format_mark import format_mark
from quark_core.errors import ArtifactError
from quark_core.plugin import CodebookFormat, CodecFormat, DtypeSpec, FloatFormat, IntFormat, Ref, hookimpl
from quark_core.registry import Registry, use
from tests.contract.acme import bundled_registry


class Steps:
    """Whole numbers from -7 to 8, times a step."""

    step = 1.0

    def encode(self, x: Tensor) -> Tensor:
        return ((x / self.step).round() + 7).int()

    def decode(self, codes: Tensor) -> Tensor:
        return (codes.float() - 7) * self.step


class Wider(Steps):
    """The same codes for other numbers."""

    step = 1.125


def codec(monkeypatch: pytest.MonkeyPatch, cls: type[Steps], module: str = "mark_codec") -> CodecFormat:
    made = ModuleType(module)
    vars(made)["Steps"] = cls
    monkeypatch.setitem(sys.modules, module, made)
    return CodecFormat(4, 7.0, Ref(f"{module}:Steps"))


def test_equal_numbers_have_equal_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    first = format_mark(codec(monkeypatch, Steps))
    assert first == format_mark(codec(monkeypatch, Steps, "moved_codec"))
    assert first != format_mark(codec(monkeypatch, Wider))
    assert format_mark(IntFormat(4)) == "IntFormat(bits=4, signed=True)" != format_mark(IntFormat(4, signed=False))
    assert format_mark(FloatFormat(4, 3, "fn")) != format_mark(FloatFormat(4, 3, "fn", bias=6))
    assert format_mark(CodebookFormat((-1.0, 0.0, 1.0))) != format_mark(CodebookFormat((-1.0, 0.0, 1.5)))


def registry(fmt: CodecFormat) -> Registry:
    module = ModuleType("quark_acme")
    spec = DtypeSpec("acme.own", fmt, "Of one's own.")
    module.__dict__.update(QUARK_API=1, quark_dtypes=hookimpl(lambda: [spec], specname="quark_dtypes"))
    made = bundled_registry()
    made.add(module, "acme", "quark-acme 0.1")
    return made


def test_a_folder_whose_format_has_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Linear(6, 4)
    with use(registry(codec(monkeypatch, Steps))):
        config = QuantConfig.model_validate({"weight": {"dtype": "acme.own"}})
        result = quantize(model, config, progress=False)
        folder = result.save(tmp_path / "saved")
        x = torch.randn(3, 6)
        assert torch.equal(load(folder, model)(x), result.model(x))
        assert list(json.loads((folder / "manifest.json").read_text("utf-8"))["formats"]) == ["acme.own"]
    with (
        use(registry(codec(monkeypatch, Wider))),
        pytest.raises(ArtifactError, match=r"its codes of acme\.own were .* here they are .* with: quark-acme 0\.1, "),
    ):
        load(folder, model)
    narrower = replace(codec(monkeypatch, Steps), max=6.0)
    with use(registry(narrower)), pytest.raises(ArtifactError, match=r"were CodecFormat\(bits=4, max=7\.0"):
        load(folder, model)
