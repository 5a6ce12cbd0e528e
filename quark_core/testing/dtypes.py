"""The suite for a dtype: what must hold for every number format, in every way that a config may use it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from quark_core.plugin import BlockFormat, CodecFormat, DtypeSpec, FloatFormat, IntFormat, Settings
from quark_core.plugin.formats import has_signed_codes
from quark_core.testing.formats import values_of
from quark_core.testing.settings import group_size, settings_for
from quark_core.testing.suite import Suite

if TYPE_CHECKING:
    from torch import Tensor

    from quark_core.functional import QParams


class DtypeTests(Suite, abstract=True):
    """Checks a dtype. Set ``spec``."""

    required = {"spec": DtypeSpec}
    spec: ClassVar[DtypeSpec]

    def values(self) -> Tensor:
        """Return a tensor of four rows, each of another magnitude, with zeros among them."""
        import torch

        generator = torch.Generator().manual_seed(8)
        rows = torch.tensor([1.0, 30.0, 0.02, 900.0])[:, None]
        x = torch.randn(4, 3 * group_size(self.spec), generator=generator) * rows
        x[:, 5] = 0
        return x

    def cases(self, x: Tensor, *, only_half_even: bool = False) -> Iterator[tuple[Settings, QParams]]:
        """Yield every way to use the dtype, with the parameters for ``x``."""
        from quark_core.functional import dynamic_parameters

        for settings in settings_for(self.spec, only_half_even=only_half_even):
            yield settings, dynamic_parameters(x, settings)

    def at_scale(self, settings: Settings, scale: float) -> tuple[Tensor, QParams]:
        """Return all values of the format times ``scale``, in one row, and the parameters that say so."""
        import torch

        from quark_core.functional import QParams, dynamic_parameters

        x = torch.tensor(values_of(self.spec.format), dtype=torch.float64) * scale
        exact = x.float().double() == x
        x = x[exact & (x.float().isfinite())].float()
        x = torch.cat([x, x[-1:].expand(-len(x) % group_size(self.spec))])[None]
        ones = torch.ones_like(dynamic_parameters(x, settings).scale)
        return x, QParams(ones * scale, torch.zeros_like(ones))

    def test_it_is_hashable_data(self) -> None:
        assert hash(self.spec) == hash(self.spec), (
            "use the formats of quark_core.plugin, and tuples where they hold lists"
        )
        assert self.spec.summary.strip(), "give the DtypeSpec a summary; editors show it"

    def test_quantizing_twice_changes_nothing(self) -> None:
        import torch

        from quark_core.functional import quantize_dequantize

        x = self.values()
        for settings, params in self.cases(x, only_half_even=True):
            once = quantize_dequantize(x, settings, params)
            twice = quantize_dequantize(once, settings, params)
            assert torch.equal(once, twice), f"{settings.describe()}: a quantized value is not its own nearest value"

    def test_half_even_takes_the_nearest_value(self) -> None:
        import torch

        from quark_core.functional import quantize_dequantize

        for settings in settings_for(self.spec, only_half_even=True):
            grid, params = self.at_scale(settings, 1.0)
            sorted_grid = grid.flatten().sort().values
            middle = sorted_grid[len(sorted_grid) // 4 : 3 * len(sorted_grid) // 4 + 1][: 4 * len(grid[0])]
            x = torch.linspace(float(middle[0]), float(middle[-1]), grid.shape[1])[None]
            got = (quantize_dequantize(x, settings, params) - x).abs()
            best = (x.flatten()[:, None] - sorted_grid[_around(sorted_grid, x)]).abs().amin(1)
            assert (got.flatten() <= best * (1 + 1e-5)).all(), f"{settings.describe()}: a nearer value exists"

    def test_a_larger_value_never_becomes_smaller(self) -> None:
        from quark_core.functional import quantize_dequantize

        x = self.values().sort(-1).values
        for settings, params in self.cases(x):
            y = quantize_dequantize(x, settings, params).reshape(-1, group_size(self.spec))
            assert (y.diff() >= 0).all(), f"{settings.describe()}: the order of two values was reversed"

    def test_values_beyond_the_range_saturate(self) -> None:
        import torch

        from quark_core.functional import quantize_dequantize

        x = self.values()
        infinite = isinstance(self.spec.format, FloatFormat) and self.spec.format.overflow == "infinity"
        for settings, params in self.cases(x):
            for sign in (1.0, -1.0):
                largest, infinity = (
                    quantize_dequantize(torch.full_like(x, sign * size), settings, params)
                    for size in (3e38, float("inf"))
                )
                if infinite:
                    assert infinity.isinf().all(), f"{settings.describe()}: Inf must stay Inf"
                else:
                    assert largest.isfinite().all(), f"{settings.describe()}: a finite value became Inf or NaN"
                    assert torch.equal(infinity, largest), f"{settings.describe()}: Inf must saturate"
                y = quantize_dequantize(x, settings, params)
                assert (y * sign <= largest * sign).all(), f"{settings.describe()}: a smaller value became larger"

    def test_nan_stays_nan(self) -> None:
        import torch

        from quark_core.functional import quantize_dequantize

        x = self.values()
        for settings, params in self.cases(x):
            given = x.clone()
            given[1, 2] = float("nan")
            y = quantize_dequantize(given, settings, params)
            assert y[1, 2].isnan(), f"{settings.describe()}: NaN became {y[1, 2].item()}"
            others = torch.ones_like(x, dtype=torch.bool)
            others[1, 2] = False
            expected = quantize_dequantize(x, settings, params)
            assert torch.equal(y[others], expected[others]), f"{settings.describe()}: NaN changed another value"

    def test_zero_is_exact(self) -> None:
        from quark_core.functional import quantize_dequantize

        x = self.values()
        for shifted in (x, x.abs(), -x.abs()):
            for settings, params in self.cases(shifted):
                zeros = quantize_dequantize(shifted, settings, params)[shifted == 0]
                assert (zeros == 0).all(), f"{settings.describe()}: 0 became {zeros[0].item()}"

    def test_zero_keeps_its_sign_in_float_formats(self) -> None:
        import torch

        from quark_core.functional import quantize_dequantize

        fmt = self.spec.format
        if not isinstance(fmt.element if isinstance(fmt, BlockFormat) else fmt, FloatFormat):
            return
        zeros = torch.zeros(2, group_size(self.spec))
        zeros[1] = -0.0
        for settings, params in self.cases(zeros):
            y = quantize_dequantize(zeros, settings, params)
            assert torch.equal(y.signbit(), zeros.signbit()), f"{settings.describe()}: the sign of a zero changed"

    def test_representable_values_stay(self) -> None:
        import torch

        from quark_core.functional import quantize_dequantize

        for settings in settings_for(self.spec):
            for scale in (0.125, 1.0, 4.0) if self.spec.scaled else (1.0,):
                x, params = self.at_scale(settings, scale)
                y = quantize_dequantize(x, settings, params)
                assert torch.equal(x, y), (
                    f"{settings.describe()}: {x[x != y][0].item()} is a value of the format at scale {scale}, "
                    f"and became {y[x != y][0].item()}"
                )

    def test_codes_give_the_same_values(self) -> None:
        import torch

        from quark_core.functional import dequantize, quantize, quantize_dequantize

        x = self.values()
        for settings, params in self.cases(x):
            decoded = dequantize(quantize(x, settings, params), settings, params)
            expected = quantize_dequantize(x, settings, params)
            assert torch.equal(decoded, expected), (
                f"{settings.describe()}: dequantize(quantize(x)) differs from quantize_dequantize(x)"
            )

    def test_a_codec_keeps_its_word(self) -> None:
        import torch

        fmt = self.spec.format
        if not isinstance(fmt, CodecFormat):
            return
        codec = fmt.codec.load()()
        x = torch.linspace(-fmt.limit, fmt.limit, 1001).reshape(7, 143)
        before, codes = x.clone(), codec.encode(x)
        assert torch.equal(x, before), "encode changed its input"
        said = f"{codes.dtype} of shape {tuple(codes.shape)}"
        assert (codes.dtype, codes.shape) == (torch.int32, x.shape), f"encode gave {said}; int32 of x's shape is needed"
        assert 0 <= codes.min() <= codes.max() < 1 << fmt.bits, "encode gave codes beyond the format's bits"
        values = codec.decode(codes)
        assert values.dtype == torch.float32, f"decode gave {values.dtype}; float32 is needed"
        assert values.isfinite().all(), "decode gave NaN or infinity for the code of a number"
        below, top = sorted({abs(value) for value in values_of(fmt)})[-2:]
        assert fmt.max <= top + (top - below) / 2, f"max={fmt.max} is beyond the largest value that has a code, {top}"

    def test_nan_has_a_code_or_is_refused(self) -> None:
        import torch

        from quark_core.errors import DataError
        from quark_core.functional import dequantize, quantize

        for settings, params in self.cases(x := self.values()) if self.spec.scaled else ():
            given = x.clone()
            given[1, 2] = float("nan")
            try:
                decoded = dequantize(quantize(given, settings, params), settings, params)
            except DataError:
                continue
            assert decoded[1, 2].isnan(), f"{settings.describe()}: the code of NaN stands for {decoded[1, 2].item()}"
            others = dequantize(quantize(x, settings, params), settings, params)
            assert not others.isnan().any(), f"{settings.describe()}: a number has the code of NaN"
            others[1, 2] = float("nan")
            assert torch.equal(decoded.isnan(), others.isnan()), f"{settings.describe()}: NaN changed another value"

    def test_codes_fit_into_their_bits(self) -> None:
        from quark_core.functional import quantize

        fmt, x = self.spec.format, self.values()
        element = fmt.element if isinstance(fmt, BlockFormat) else fmt
        lowest, highest = (element.qmin, element.qmax) if isinstance(element, IntFormat) else (0, (1 << fmt.bits) - 1)
        for settings, params in self.cases(x):
            codes = quantize(x * 2, settings, params).long()
            # 16-bit patterns are held in a signed integer.
            codes = codes & 0xFFFF if fmt.bits > 8 and lowest == 0 else codes
            assert codes.min() >= lowest, f"{settings.describe()}: code {codes.min().item()} is below {lowest}"
            assert codes.max() <= highest, f"{settings.describe()}: code {codes.max().item()} is above {highest}"

    def test_packed_codes_come_back(self) -> None:
        import torch

        from quark_core.functional import pack, quantize, unpack

        fmt, x = self.spec.format, self.values()
        signed = has_signed_codes(fmt)
        for settings, params in self.cases(x, only_half_even=True):
            codes = quantize(x, settings, params)
            packed = pack(codes, fmt.bits)
            assert packed.numel() == (codes.numel() * fmt.bits + 7) // 8, f"{settings.describe()}: not packed densely"
            assert torch.equal(unpack(packed, fmt.bits, x.shape, signed=signed), codes), (
                f"{settings.describe()}: unpack(pack(codes)) differs from codes"
            )

    def test_any_size_will_do(self) -> None:
        import torch

        from quark_core.functional import quantize_dequantize

        group = group_size(self.spec)
        for shape in ((group,), (1, group), (0, group), (3, 2, 2 * group), (2, 0, group)):
            for settings in settings_for(self.spec, only_half_even=True):
                if len(shape) < 2 and settings.block_size is not None:
                    continue  # rectangles need two axes
                x = torch.linspace(-1, 1, max(1, torch.Size(shape).numel()))[: torch.Size(shape).numel()].reshape(shape)
                assert quantize_dequantize(x, settings).shape == x.shape, f"{settings.describe()}: shape {shape}"

    def test_the_result_has_the_dtype_of_the_input(self) -> None:
        import torch

        from quark_core.functional import quantize_dequantize

        for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
            x = self.values().to(dtype)
            for settings, params in self.cases(x, only_half_even=True):
                assert quantize_dequantize(x, settings, params).dtype == dtype, f"{settings.describe()}: {dtype}"

    def test_the_input_stays_as_it_was(self) -> None:
        import torch

        from quark_core.functional import quantize, quantize_dequantize

        x = self.values()
        for settings, params in self.cases(x):
            given = x.clone()
            quantize_dequantize(given, settings, params)
            quantize(given, settings, params)
            assert torch.equal(given, x), f"{settings.describe()}: the input was changed"


def _around(grid: Tensor, x: Tensor) -> Tensor:
    """Return, ``[n, 2]``, the indexes of the values of a sorted grid on both sides of each ``x``."""
    import torch

    right = torch.searchsorted(grid, x.flatten()).clamp(max=len(grid) - 1)
    return torch.stack([(right - 1).clamp(min=0), right], 1)
