"""Each message on the page of troubles is one that Quark Core really gives."""

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest
import torch

import quark_core as qc
from quark_core.cli.refs import model_from
from quark_core.config.load import loads_config
from quark_core.errors import QuarkError
from quark_core.plugin import DtypeSpec, IntFormat, ObserverSpec, Options, Ref, hookimpl
from tests.docs.pages import DOCS

PAGE = DOCS / "troubleshooting.md"
INT3 = DtypeSpec("acme.int3", IntFormat(bits=3), "3-bit signed integer.")


class _Odd(Options):
    """Options of a type that JSON has not."""

    name: Literal["acme.odd"] = "acme.odd"
    call: Callable[[], None]


def _config(text: str) -> None:
    loads_config(text, "yaml")


def _quantize(text: str, *, batches: list[torch.Tensor] | None = None, lower: bool = False) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(64, 8))
    qc.quantize(model, loads_config(text, "yaml"), calibration=batches, lower=lower, progress=False)


def _plugin(**manifest: Any) -> None:
    qc.Registry().add(SimpleNamespace(**manifest), "acme")


def _hook(function: Callable[[], list[Any]], name: str = "quark_dtypes") -> Any:
    function.__name__ = name
    return hookimpl(function)


def _called(reference: str) -> None:
    model_from(reference, None)


def _saved(folder: Path) -> None:
    config = loads_config("weight: {dtype: int8}", "yaml")
    qc.quantize(torch.nn.Sequential(torch.nn.Linear(4, 4)), config).save(folder)
    model_from(str(folder), None)


INT8 = "input: {dtype: int8}"
DATA = [torch.ones(2, 64)]
TROUBLES: dict[str, Callable[[Path], None]] = {
    "it must name a function without arguments": lambda _: _called("nowhere:model"),
    "a saved folder holds no code": _saved,
    "no installed plugin adds dtype 'acme.int3'": lambda _: _config("weight: {dtype: acme.int3}"),
    "unknown field 'inptu'; did you mean 'input'?": lambda _: _config("inptu: {dtype: int8}"),
    "qscheme per_group needs group_size": lambda _: _config("weight: {dtype: int8, qscheme: per_group}"),
    "takes weight int8 only with scale_type pof2": lambda _: _config("device: IPU\nweight: {dtype: int8}"),
    "quark-nope is not installed": lambda _: _config('requires: ["quark-nope>=1"]'),
    "matches no layer of this model": lambda _: _quantize("exclude: [nothing]"),
    "group size 7 does not divide the 64 values": lambda _: _quantize(
        "weight: {dtype: int8, qscheme: per_group, group_size: 7}"
    ),
    "calibration data are needed": lambda _: _quantize(INT8),
    "quantized ranges need finite values": lambda _: _quantize(INT8, batches=[torch.full((2, 64), torch.nan)]),
    "at least 90 are asked": lambda _: _quantize(
        "weight: {dtype: int2}\nverify: {min_sqnr_db: 90}", batches=[torch.randn(2, 64)]
    ),
    "the model cannot be lowered to IPU here": lambda _: _quantize(
        "device: {name: IPU, profile: a8w8}\nweight: {dtype: int8}", batches=DATA, lower=True
    ),
    "does not say QUARK_API": lambda _: _plugin(),
    "was written for QUARK_API = 2": lambda _: _plugin(QUARK_API=2),
    "unknown hook 'quark_dtype'": lambda _: _plugin(QUARK_API=1, quark_dtype=_hook(lambda: [INT3], "quark_dtype")),
    "implements no hook": lambda _: _plugin(QUARK_API=1),
    "quark_dtypes() raised ZeroDivisionError": lambda _: _plugin(QUARK_API=1, quark_dtypes=_hook(lambda: [1 // 0])),
    "must be named 'acme.int3'": lambda _: _plugin(
        QUARK_API=1, quark_dtypes=_hook(lambda: [DtypeSpec("int3", INT3.format)])
    ),
    "is already added by plugin 'acme'": lambda _: _plugin(QUARK_API=1, quark_dtypes=_hook(lambda: [INT3, INT3])),
    "its options have no JSON Schema": lambda _: _plugin(
        QUARK_API=1, quark_observers=_hook(lambda: [ObserverSpec(_Odd, Ref("m:C"))], "quark_observers")
    ),
}


def test_the_page_has_exactly_these_messages() -> None:
    cells = re.findall(r"^\| `([^`]+)`(?:, [^|]*)? \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(cells) == sorted(TROUBLES)


@pytest.mark.parametrize("message", TROUBLES)
def test_it_is_really_said(message: str, tmp_path: Path) -> None:
    with pytest.raises(QuarkError, match=re.escape(message)):
        TROUBLES[message](tmp_path / "saved")
