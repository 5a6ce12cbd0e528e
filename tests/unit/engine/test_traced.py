"""Compiled and exported quantizers give the bits of uncompiled ones, and their gradients."""

import copy
import pickle
import shutil
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import quark_core.functional as qf
from quark_core.engine.quantizer import Quantizer
from quark_core.errors import ModelError
from quark_core.plugin.formats import CodebookFormat
from quark_core.plugin.plan import Origin, TensorPlan
from quark_core.plugin.settings import Settings
from tests.unit.engine.sample_nets import INT8, ROWS8, convnet, images, mlp, run

Make = Callable[..., Settings]
GROUPS: dict[str, Any] = {"qscheme": "per_group", "axis": -1, "group_size": 8}
SEEDS: list[dict[str, Any]] = [
    {"dtype": "int8"},
    {"dtype": "uint8", "symmetric": False},
    {"dtype": "int4", **GROUPS},
    {"dtype": "uint4"},
    {"dtype": "bfloat16"},
    {"dtype": "float16"},
    {"dtype": "fp8_e4m3"},
    {"dtype": "mx"},
    {"dtype": "nvfp4"},
]
OTHERS: list[dict[str, Any]] = [
    {"dtype": "nf4"},
    {"dtype": CodebookFormat(tuple(i**3 / 2**15 for i in range(-32, 33)))},
    {"dtype": "mxint8"},
    {"dtype": "int8", "rounding": "round", "qscheme": "per_channel", "axis": 1},
    {"dtype": "fp6_e2m3", "rounding": "floor"},
    {"dtype": "bfloat16", "rounding": "floor"},
    {"dtype": "float16", "rounding": "round"},
    {"dtype": "uint4", "symmetric": False, "qscheme": "per_token"},
    {"dtype": "int4", "qscheme": "per_block", "block_size": (4, 8)},
]
FLOATS = (torch.float32, torch.bfloat16, torch.float16, torch.float64)
# Of torch's compiler, which uses what torch has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
needs_compiler = pytest.mark.skipif(
    not any(map(shutil.which, ("g++", "clang++", "c++"))), reason="compiling needs a C++ compiler"
)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    torch.compiler.reset()


class Beside(nn.Module):
    """Quantizers that all see the same tensor."""

    def __init__(self, made: list[Quantizer]) -> None:
        super().__init__()
        self.each = nn.ModuleList(made)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return what each makes of ``x``."""
        return [quantizer(x) for quantizer in self.each]


def quantizer(settings: Settings, seen: Tensor | None = None) -> Quantizer:
    made = Quantizer(TensorPlan("fc", "input", "input", settings, Origin("input")))
    if seen is not None:
        params = qf.dynamic_parameters(seen, settings)
        made.scale, made.zero_point, made.tensor_scale = params.scale, params.zero_point, params.tensor_scale
    made.quantizing = True
    return made


def beside(make: Make, formats: list[dict[str, Any]]) -> Beside:
    settings = [make(**traits) for traits in formats]
    static = [s for s in settings if s.dtype.scaled and not s.dtype.is_block]
    return Beside([quantizer(s) for s in settings] + [quantizer(s, normal() / 2) for s in static])


def normal() -> Tensor:
    return torch.randn(32, 64, generator=torch.Generator().manual_seed(0))


def values() -> list[Tensor]:
    """Return ordinary values, random bits, ties, and what is near the ends of bfloat16 and float16."""
    bits = torch.randint(-(2**31), 2**31, (32, 64), generator=torch.Generator().manual_seed(1)).int()
    ordinary = normal()
    ordinary[3, :6] = torch.tensor([0.0, -0.0, torch.inf, -torch.inf, torch.nan, -(2.0**-149)])
    ties = (torch.arange(2048).view(32, 64) - 1024) / 1024
    ends = [65504, 65519.99, 65520, -65520, 65536, 3.3895e38, 3.39e38, -3.4e38, 6e-8, 2.98e-8, 2.99e-8, 1e-40]
    return [ordinary, bits.view(torch.float32), ties, torch.tensor(ends).repeat(171)[:2048].view(32, 64)]


def same(a: Tensor, b: Tensor) -> bool:
    """Return whether both have the same dtype, strides and bits; one NaN is as good as another."""
    if (a.dtype, a.stride()) != (b.dtype, b.stride()):
        return False
    bits = {2: torch.int16, 4: torch.int32, 8: torch.int64}[a.dtype.itemsize]
    nan = a.isnan()
    return torch.equal(nan, b.isnan()) and torch.equal(
        a.masked_fill(nan, 0).view(bits), b.masked_fill(nan, 0).view(bits)
    )


def differing(model: Beside, other: Callable[[Tensor], list[Tensor]], dtype: torch.dtype) -> set[str]:
    """Return which quantizers ``other`` does not follow bit by bit."""
    found = set()
    for x in (x.to(dtype) for x in values()):
        for made, expected, actual in zip(model.each, model(x), other(x), strict=True):
            if not same(actual, expected):
                found.add(str(made))
    return found


@needs_compiler
@pytest.mark.parametrize("dtype", FLOATS[:3], ids=str)
def test_compiled_bits(make: Make, dtype: torch.dtype) -> None:
    # What differs is how values come in and go out, and float16 takes compilers long.
    which = {torch.float32: range(9), torch.bfloat16: (0, 4, 5, 7), torch.float16: (4, 7)}[dtype]
    model = beside(make, [SEEDS[i] for i in which])
    assert differing(model, torch.compile(model, fullgraph=True), dtype) == set()


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_traced_bits_of_all_formats_and_roundings(make: Make, dtype: torch.dtype) -> None:
    model = beside(make, SEEDS + OTHERS)
    assert differing(model, torch.compile(model, fullgraph=True, backend="eager"), dtype) == set()


@pytest.mark.parametrize(("dtype", "strict"), [(torch.float32, True), (torch.bfloat16, False)], ids=str)
def test_exported_bits(make: Make, dtype: torch.dtype, *, strict: bool) -> None:
    model = beside(make, SEEDS + OTHERS)
    exported = torch.export.export(model, (normal().to(dtype),), strict=strict)
    assert {node.target.namespace for node in exported.graph.nodes if hasattr(node.target, "namespace")} == {"aten"}
    assert differing(model, exported.module(), dtype) == set()


class Chain(nn.Module):
    """Adds and quantizes, twice: a compiler makes one loop of it, in float32, and leaves out casts between."""

    def __init__(self, first: Quantizer, second: Quantizer) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x: Tensor) -> Tensor:
        """Return the second quantizer's result."""
        x = self.first(x + x.flip(0))
        result: Tensor = self.second(x + x.flip(1))
        return result


@needs_compiler
def test_what_compilers_keep_in_float32_is_rounded_between(make: Make) -> None:
    x = normal().bfloat16() / 7
    chain = Chain(quantizer(make("fp8_e4m3")), quantizer(make("int8")))
    assert same(torch.compile(chain, fullgraph=True)(x), chain(x))


def gradients(model: Beside, call: Callable[[Tensor], list[Tensor]], dtype: torch.dtype) -> list[Tensor]:
    found = []
    for index in range(len(model.each)):
        x = normal().to(dtype).requires_grad_()
        (grad,) = torch.autograd.grad(call(x)[index], x, normal().flip(0).to(dtype))
        found.append(grad)
    return found


def test_traced_gradients(make: Make) -> None:
    model, dtype = beside(make, SEEDS + OTHERS), torch.bfloat16
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    expected = gradients(model, model, dtype)
    assert any(bool((grad == 0).any()) for grad in expected)
    for made, a, b in zip(model.each, gradients(model, compiled, dtype), expected, strict=True):
        assert same(a, b), made


@needs_compiler
def test_compiled_gradients(make: Make) -> None:
    model = beside(make, [SEEDS[1], SEEDS[6]])
    compiled = torch.compile(model, fullgraph=True)
    for a, b in zip(gradients(model, compiled, torch.float32), gradients(model, model, torch.float32), strict=True):
        assert same(a, b)


def test_each_quantizer_is_compiled_for_itself(make: Make) -> None:
    class Broken(Beside):
        def forward(self, x: Tensor) -> list[Tensor]:
            found = []
            for made in self.each:
                torch._dynamo.graph_break()
                found.append(made(x))
            return found

    model = Broken(list(beside(make, SEEDS[:4]).each))  # type: ignore[arg-type]  # torch does not type them
    assert differing(model, torch.compile(model, backend="eager"), torch.float32) == set()


def test_strides_stay(make: Make) -> None:
    model = beside(make, [{"dtype": "int8", "qscheme": "per_channel", "axis": 1}, {"dtype": "bfloat16"}])
    x = torch.randn(2, 64, 4, 5).to(memory_format=torch.channels_last)
    model = Beside(list(model.each)[:2])  # type: ignore[arg-type]  # torch does not type them
    for a, b in zip(torch.compile(model, fullgraph=True, backend="eager")(x), model(x), strict=True):
        assert same(a, b)


def test_no_values(make: Make) -> None:
    model = Beside(list(beside(make, [SEEDS[0], SEEDS[4], SEEDS[7]]).each))  # type: ignore[arg-type]
    found = torch.compile(model, fullgraph=True, backend="eager")(torch.empty(0, 64))
    assert [y.shape for y in found] == [(0, 64)] * len(model.each)


@pytest.mark.parametrize("mode", ["eager_mode", "fx_graph_mode"])
@pytest.mark.parametrize("net", ["mlp", "convnet"])
def test_quantized_models(mode: str, net: str) -> None:
    model, x = (mlp(), torch.randn(8, 6)) if net == "mlp" else (convnet(), images())
    parts: dict[str, Any] = {"weight": ROWS8, "input": INT8, "output": INT8, "mode": mode}
    final = run(model, x, **parts).model
    x = x * 1.5
    expected = final(x)
    assert same(torch.compile(final, fullgraph=True, backend="aot_eager")(x), expected)
    batch = {0: torch.export.Dim("batch", min=2, max=64)}
    exported = torch.export.export(final, (x,), dynamic_shapes=(batch,)).module()
    assert same(exported(x), expected)
    assert same(exported(x[:3]), final(x[:3]))


def test_roundings_with_a_state_are_refused(make: Make) -> None:
    model = quantizer(make("int8", "stochastic"))
    with pytest.raises(ModelError, match="stochastic rounding draws numbers"):
        torch.export.export(model, (normal(),))
    with pytest.raises(Exception, match="stochastic rounding draws numbers"):
        torch.compile(model, fullgraph=True, backend="eager")(normal())


def test_copies_and_pickles_stay_small(make: Make) -> None:
    model = quantizer(make("nf4"))
    stored = pickle.dumps(model)
    assert len(stored) < 4000
    for other in (copy.deepcopy(model), pickle.loads(stored)):  # noqa: S301 - our own bytes
        assert other.quantizing
        assert same(other(normal()), model(normal()))
        assert same(torch.compile(other, fullgraph=True, backend="eager")(normal()), model(normal()))
