import math
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import cast

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

import quark_core.functional as qf
from quark_core import TensorConfig
from quark_core.config.resolve import resolve
from quark_core.engine.authoring import Quantizer
from quark_core.errors import DataError, ModelError
from quark_core.plugin import CodecFormat, DtypeSpec, Origin, Ref, Settings, TensorPlan, hookimpl
from quark_core.registry import use
from tests.contract.acme import bundled_registry

Make = Callable[..., Settings]


class Tens:
    """Whole multiples of 10 from -70 to 70."""

    def encode(self, x: Tensor) -> Tensor:
        return ((x / 10).round() + 7).int()

    def decode(self, codes: Tensor) -> Tensor:
        return (codes.float() - 7) * 10


@pytest.fixture
def settings(make: Make, monkeypatch: pytest.MonkeyPatch) -> Settings:
    module = ModuleType("example_codec")
    vars(module)["Tens"] = Tens
    monkeypatch.setitem(sys.modules, "example_codec", module)
    return make(CodecFormat(4, 70.0, Ref("example_codec:Tens")))


def test_decode_of_encode_times_the_scale(settings: Settings) -> None:
    x = torch.tensor([0.0, 3.1, -7.0, 100.0, -math.inf, math.nan])
    params = qf.QParams(torch.tensor([0.5]), torch.zeros(1))
    values = qf.quantize_dequantize(x, settings, params)
    assert values[:-1].tolist() == [0.0, 5.0, -5.0, 35.0, -35.0]
    assert values[-1].isnan()
    codes = qf.quantize(x[:-1], settings, params)
    assert (codes.dtype, codes.tolist()) == (torch.uint8, [7, 8, 6, 14, 0])
    assert torch.equal(qf.dequantize(codes, settings, params), values[:-1])


def test_nan_stays_where_it_is(settings: Settings) -> None:
    params = qf.QParams(torch.ones(1), torch.zeros(1))
    x = torch.tensor([[math.nan, 14.0], [-math.inf, -math.nan], [math.inf, -6.0]])
    values = qf.quantize_dequantize(x, settings, params)
    assert values.isnan().tolist() == [[True, False], [False, True], [False, False]]
    assert values.nan_to_num(nan=1.0).tolist() == [[1.0, 10.0], [-70.0, 1.0], [70.0, -10.0]]


def test_the_scale_maps_amax_to_the_largest_value(settings: Settings) -> None:
    assert qf.parameters(torch.tensor([-140.0]), torch.tensor([7.0]), settings).scale.tolist() == [2.0]


def test_nan_has_no_code(settings: Settings) -> None:
    with pytest.raises(DataError, match="holds NaN"):
        qf.quantize(torch.tensor([math.nan]), settings, qf.QParams(torch.ones(1), torch.zeros(1)))


def test_nan_has_the_code_that_the_format_gives_it(make: Make, settings: Settings) -> None:
    del settings
    with_nan = make(CodecFormat(4, 70.0, Ref("example_codec:Tens"), nan_code=15))
    params = qf.QParams(torch.tensor([0.5]), torch.zeros(1))
    x = torch.tensor([[math.nan, 7.0], [math.inf, -math.nan]])
    codes = qf.quantize(x, with_nan, params)
    assert (codes.dtype, codes.tolist()) == (torch.uint8, [[15, 8], [14, 15]])
    values = qf.dequantize(codes, with_nan, params)
    assert values.isnan().tolist() == [[True, False], [False, True]]
    assert values.nan_to_num(nan=1.0).tolist() == [[1.0, 5.0], [35.0, 1.0]]
    assert torch.equal(qf.quantize(x[:, 1:][:1], with_nan, params), codes[:1, 1:])


class Wild(Tens):
    """Gives codes that do not exist."""

    def encode(self, x: Tensor) -> Tensor:
        return super().encode(x) + 300


class Blind(Tens):
    """Forgets what the code of 10 stands for."""

    def decode(self, codes: Tensor) -> Tensor:
        return super().decode(codes).masked_fill(codes == 8, math.nan)


def test_codes_that_do_not_exist_are_refused(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wild_codec", cast("ModuleType", SimpleNamespace(Wild=Wild)))
    wild = make(CodecFormat(4, 70.0, Ref("wild_codec:Wild")))
    params = qf.QParams(torch.ones(1), torch.zeros(1))
    with pytest.raises(ModelError, match="wild_codec:Wild: encode gave code 314, and 4 bits have 0 to 15"):
        qf.quantize(torch.tensor([70.0]), wild, params)
    assert qf.quantize(torch.tensor([]), wild, params).numel() == 0


def test_weights_that_become_nan_are_refused(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "blind_codec", cast("ModuleType", SimpleNamespace(Blind=Blind)))
    settings = make(CodecFormat(4, 70.0, Ref("blind_codec:Blind")))
    quantizer = Quantizer(TensorPlan("fc", "weight", "weight", settings, Origin("weight")))
    with pytest.raises(ModelError, match=r"fc\.weight: dtype .* makes NaN of finite values"):
        quantizer.snap(torch.tensor([70.0, 10.0]))


def test_values_beyond_what_the_range_maps_to_may_have_codes(make: Make, settings: Settings) -> None:
    wide = make(CodecFormat(4, 10.0, Ref("example_codec:Tens"), largest=70.0))
    assert qf.parameters(torch.tensor([-20.0]), torch.tensor([7.0]), wide).scale.tolist() == [2.0]
    params = qf.QParams(torch.tensor([2.0]), torch.zeros(1))
    assert qf.quantize_dequantize(torch.tensor([60.0, -1e9]), wide, params).tolist() == [60.0, -140.0]
    x = torch.tensor([60.0, 141.0], requires_grad=True)
    (gradient,) = torch.autograd.grad(qf.fake_quantize(x, wide, params).sum(), x)
    assert gradient.tolist() == [1.0, 0.0]


def test_a_config_gives_a_codec_no_rounding() -> None:
    registry = bundled_registry()
    dtype = DtypeSpec("acme.ten", CodecFormat(4, 1.0, Ref("json:dumps")), "Tens.")
    registry.add(SimpleNamespace(QUARK_API=1, quark_dtypes=hookimpl(lambda: [dtype])), "acme")
    with use(registry):
        config = TensorConfig(dtype="acme.ten")
        assert resolve(config).describe() == "acme.ten per_tensor min_max"
        with pytest.raises(ValidationError, match=r"acme\.ten: rounds in a way of its own"):
            TensorConfig(dtype="acme.ten", round_method="floor")
