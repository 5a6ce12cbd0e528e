from typing import Any

import pytest
import torch
from torch import Tensor, nn

import quark_aciq
from quark_aciq import ClipOptions
from quark_aciq.clip import Clip
from quark_core import QuantConfig, TensorConfig, quantize
from quark_core.engine.authoring import quantizers
from quark_core.errors import DataError
from quark_core.functional import parameters, quantize_dequantize
from quark_core.plugin import DtypeSpec, FloatFormat, Format, IntFormat
from quark_core.testing import ObserverTests, PluginTests
from quark_core.testing.settings import settings_for

INT4, UINT4, E4M3 = IntFormat(4), IntFormat(4, signed=False), FloatFormat(4, 3, "fn")
# Solutions of t exp(t) = 3 * 4^M, by the tables of Lambert's W.
W = {4: 5.0286401, 5: 6.2047663, 8: 9.8967598}


class TestPlugin(PluginTests):
    module = "quark_aciq"


class TestClip(ObserverTests):
    spec = quark_aciq.CLIP


class TestGauss(ObserverTests):
    spec = quark_aciq.CLIP
    options = {"distribution": "gauss"}


class TestFewBits(ObserverTests):
    spec = quark_aciq.CLIP
    options = {"bits": 1}


def told(fmt: Format, *, symmetric: bool = True, **options: Any) -> Clip:
    """Return an observer that knows its format."""
    clip = Clip(ClipOptions(**options))
    every = settings_for(DtypeSpec("aciq.test", fmt), only_half_even=True)
    clip.for_settings(next(settings for settings in every if settings.symmetric is symmetric))
    return clip


def bounds(clip: Clip, *batches: Tensor) -> tuple[float, float]:
    for batch in batches:
        clip.observe(batch)
    lo, hi = clip.range()
    return lo.item(), hi.item()


# Magnitudes have mean 1, and one value in two hundred is far out on each side.
SPREAD = torch.tensor([[0.8, -0.8] * 99 + [20.8, -20.8]])
ONE_SIDED = SPREAD.abs()


def test_without_settings_it_is_int8_symmetric() -> None:
    lo, hi = bounds(Clip(ClipOptions()), SPREAD)
    assert (lo, hi) == pytest.approx((-W[8], W[8]), rel=1e-6)


@pytest.mark.parametrize(
    ("fmt", "symmetric", "values", "expected"),
    [
        (INT4, True, SPREAD, (-W[4], W[4])),
        (INT4, False, SPREAD, (-W[4], W[4])),
        (UINT4, False, SPREAD, (-W[4], W[4])),
        # All 16 steps on one side, as with a bit more on both.
        (INT4, False, ONE_SIDED, (0.8, W[5])),
        (UINT4, False, -ONE_SIDED, (-W[5], -0.8)),
        (UINT4, True, ONE_SIDED, (0.8, W[5])),
        # Symmetric signed codes cannot follow.
        (INT4, True, ONE_SIDED, (0.8, W[4])),
    ],
)
def test_bits_and_symmetry_decide(
    fmt: IntFormat, symmetric: bool, values: Tensor, expected: tuple[float, float]
) -> None:
    assert bounds(told(fmt, symmetric=symmetric), values) == pytest.approx(expected, rel=1e-6)


def test_each_block_has_its_own_side() -> None:
    clip = told(INT4, symmetric=False)
    clip.observe(torch.cat([SPREAD, ONE_SIDED, 2 * SPREAD]))
    torch.testing.assert_close(clip.range()[1], torch.tensor([W[4], W[5], 2 * W[4]]))


def test_gauss_takes_the_root_of_the_mean_square() -> None:
    # 2.559136 is the authors' alpha / sigma of 4 bits; the mean square is (99 + 121) / 100.
    values = torch.tensor([[1.0, -1.0] * 99 + [11.0, -11.0]])
    alpha = 2.559136 * 2.2**0.5
    assert bounds(told(INT4, distribution="gauss"), values) == pytest.approx((-alpha, alpha), rel=1e-6)


@pytest.mark.parametrize("distribution", ["laplace", "gauss"])
@pytest.mark.parametrize("size", [2.0**-90, 2.0**90])
def test_sizes_whose_squares_leave_float32_change_nothing(distribution: str, size: float) -> None:
    lo, hi = bounds(told(INT4, distribution=distribution), SPREAD)
    assert bounds(told(INT4, distribution=distribution), SPREAD * size) == (lo * size, hi * size)


def test_zeros_do_not_count() -> None:
    assert bounds(told(INT4), torch.zeros(1, 1000), SPREAD) == bounds(told(INT4), SPREAD)


def test_a_range_is_no_wider_than_the_values() -> None:
    assert bounds(told(INT4), torch.tensor([[-1.0, 2.0]])) == (-1.0, 2.0)


def test_formats_that_are_not_evenly_spaced_keep_the_range_seen() -> None:
    assert bounds(told(E4M3), SPREAD) == (-SPREAD.max().item(), SPREAD.max().item())


def test_given_bits_come_before_those_of_the_format() -> None:
    for fmt in (E4M3, IntFormat(8)):
        assert bounds(told(fmt, bits=4), SPREAD) == pytest.approx((-W[4], W[4]), rel=1e-6)


def test_the_width_of_a_drawn_distribution_is_found() -> None:
    generator = torch.Generator().manual_seed(5)
    sign = torch.randint(0, 2, (1, 200_000), generator=generator) * 2 - 1
    values = torch.empty(1, 200_000).exponential_(1 / 3, generator=generator) * sign
    # b is 3; the standard deviation of a mean of 200 000 magnitudes is 3 / sqrt(200 000).
    assert bounds(told(INT4), values)[1] == pytest.approx(3 * W[4], rel=5 / 200_000**0.5)


def test_merging_is_exact_for_whole_numbers() -> None:
    # Sums of whole numbers are exact in float64, so any split must give the same bits.
    values = torch.randint(-50, 51, (3, 600), generator=torch.Generator().manual_seed(6)).float()
    for distribution in ("laplace", "gauss"):
        parts = []
        for part in torch.split(values, [1, 99, 200, 300], dim=1):
            parts.append(told(INT4, distribution=distribution))
            parts[-1].observe(part)
        first, *rest = reversed(parts)
        for other in rest:
            first.merge(other)
        whole = told(INT4, distribution=distribution)
        whole.observe(values)
        assert all(torch.equal(a, b) for a, b in zip(first.range(), whole.range(), strict=True))


def test_nothing_observed_is_an_error_and_adds_nothing() -> None:
    nothing, clip = told(INT4), told(INT4)
    nothing.observe(torch.zeros(1, 0))
    with pytest.raises(DataError, match="observed no values"):
        nothing.range()
    clip.observe(SPREAD)
    clip.merge(nothing)
    assert clip.range()[1].item() == pytest.approx(W[4], rel=1e-6)


def laplace(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(8)
    sign = torch.randint(0, 2, shape, generator=generator) * 2 - 1
    return torch.empty(shape).exponential_(1.0, generator=generator) * sign


def test_int4_loses_no_more_than_with_other_ranges() -> None:
    config, values = TensorConfig(dtype="int4"), laplace(1, 100_000)
    alpha = bounds(told(INT4), values)[1]

    def lost(bound: float) -> float:
        params = parameters(torch.tensor([-bound]), torch.tensor([bound]), config)
        return float((quantize_dequantize(values, config, params) - values).square().mean())

    least = min(lost(alpha * part / 50) for part in range(20, 120))
    # The paper has 16 codes, all within the bounds by half a step; symmetric int4 has 15, the outermost at the bounds.
    assert least <= lost(alpha) <= 1.03 * least
    assert lost(alpha) < lost(values.abs().max().item()) / 2


def test_a_config_uses_it() -> None:
    linear = nn.Linear(256, 64, bias=False)
    linear.weight.data.copy_(laplace(64, 256))
    net = nn.Sequential(linear).eval()
    x = torch.randn(32, 256, generator=torch.Generator().manual_seed(9))

    def scales(observer: object) -> Tensor:
        tensor = {"dtype": "int4", "qscheme": "per_channel", "observer": observer}
        result = quantize(net, QuantConfig.model_validate({"version": 1, "weight": tensor}), calibration=[x])
        (quantizer,) = quantizers(result.model)
        assert quantizer.scale is not None
        return quantizer.scale

    clipped, whole = scales({"name": "aciq.clip"}), scales("min_max")
    widths = linear.weight.detach().abs()
    expected = torch.minimum(W[4] * widths.mean(1), widths.amax(1)) / 7
    torch.testing.assert_close(clipped, expected)
    torch.testing.assert_close(whole, widths.amax(1) / 7)
