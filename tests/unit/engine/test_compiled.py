import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

import quark_core.functional as qf
from quark_core.plugin.ref import Ref
from quark_core.plugin.settings import Settings

Make = Callable[..., Settings]
CHANNELS: dict[str, Any] = {"qscheme": "per_channel", "axis": 0}
needs_compiler = pytest.mark.skipif(
    not any(map(shutil.which, ("g++", "clang++", "c++"))), reason="compiling needs a C++ compiler"
)


def values() -> Tensor:
    """Return random bit patterns beside ordinary values; enough of them that compiling is worth it."""
    generator = torch.Generator().manual_seed(0)
    bits = torch.randint(-(2**31), 2**31, (256, 256), generator=generator).int().view(torch.float32)
    x = torch.cat([bits, torch.randn(256, 256, generator=generator)])
    x[300, :6] = torch.tensor([0.0, -0.0, torch.inf, -torch.inf, torch.nan, -(2.0**-149)])
    return x


def same_bits(a: Tensor, b: Tensor) -> bool:
    width = torch.int32 if a.dtype == torch.float32 else torch.int16
    return torch.equal(a.isnan(), b.isnan()) and torch.equal(
        a.nan_to_num(0, torch.inf, -torch.inf).view(width), b.nan_to_num(0, torch.inf, -torch.inf).view(width)
    )


@needs_compiler
@pytest.mark.parametrize(
    ("dtype", "rounding", "traits"),
    [
        ("int8", "half_even", CHANNELS),
        ("int4", "round", {"qscheme": "per_group", "axis": 1, "group_size": 32}),
        ("fp6_e2m3", "floor", {"qscheme": "per_tensor"}),
        ("uint8", "half_even", {**CHANNELS, "symmetric": False}),
        ("fp8_e4m3", "half_even", CHANNELS),
        ("mxfp4", "half_even", {}),
        ("mxint8", "half_even", {}),
        ("nvfp4", "half_even", {}),
    ],
    ids=str,
)
def test_compiled_gives_the_bits_of_uncompiled(make: Make, dtype: str, rounding: str, traits: dict[str, Any]) -> None:
    settings = make(dtype, rounding=rounding, **traits)
    check(values(), settings)


def check(x: Tensor, settings: Settings, *, in_place: bool = False) -> None:
    with qf.compiled(wanted=False):
        expected = qf.quantize_dequantize(x, settings)
    with qf.compiled(), warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        out = x.clone() if in_place else torch.empty_like(x)
        assert same_bits(qf.quantize_dequantize(out if in_place else x, settings, out=out), expected)


@needs_compiler
def test_compiled_in_place_of_other_dtypes_and_strides(make: Make) -> None:
    settings = make("int8", **CHANNELS)
    check(values(), settings, in_place=True)
    check(values().bfloat16(), settings)
    check(values()[:, ::2], settings)


def test_plain_casts_are_not_compiled(make: Make) -> None:
    check(values(), make("bfloat16"))


@needs_compiler
def test_the_environment_variable_asks_for_it(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []

    def compiled_sweep(*args: object) -> bool:
        calls.append(args)
        return False

    monkeypatch.setattr("quark_core.engine.compiled.compiled_sweep", compiled_sweep)
    for value, wanted in (("1", 1), ("0", 0), ("", 0), ("off", 0)):
        calls.clear()
        monkeypatch.setenv("QUARK_COMPILE", value)
        qf.quantize_dequantize(values(), make("int8"))
        qf.quantize_dequantize(values()[0], make("int8"))
        assert len(calls) == wanted


class Untraceable:
    """A rounding with Python that a compiler cannot follow."""

    def __init__(self, options: object) -> None:
        del options

    def __call__(self, x: Tensor) -> Tensor:
        return x.copy_(torch.from_numpy(x.numpy().round())) if float(x.flatten()[0]) < 2**30 else x.round_()


def test_what_cannot_be_compiled_runs_uncompiled_and_says_so(make: Make) -> None:
    settings = make("int8")
    rounding = replace(settings.rounding, impl=Ref(f"{__name__}:Untraceable"), is_half_even=False)
    settings = replace(settings, rounding=rounding)
    expected = qf.quantize_dequantize(values(), make("int8"))
    with qf.compiled():
        with pytest.warns(RuntimeWarning, match="runs uncompiled, with the same results"):
            assert same_bits(qf.quantize_dequantize(values(), settings), expected)
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            assert same_bits(qf.quantize_dequantize(values(), settings), expected)
