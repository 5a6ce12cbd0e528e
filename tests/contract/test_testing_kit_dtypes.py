"""For each check of DtypeTests there is an engine that it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from quark_core import functional
from quark_core.plugin import CodebookFormat, CodecFormat, DtypeSpec, FloatFormat, IntFormat
from quark_core.testing import DtypeTests
from tests.contract.faults import checks, every_check_has_a_fault, fails, passes, ref

FP6 = DtypeSpec("fp6", FloatFormat(3, 2, specials="none"), "6-bit float, OCP E3M2.")
QDQ = "quantize_dequantize"


class Halves:
    """Codes of 0.5, 1.0, ...: a codec as a plugin would write it."""

    def encode(self, x: Tensor) -> Tensor:
        return (x * 2).round().clamp(-8, 7).int() & 15

    def decode(self, codes: Tensor) -> Tensor:
        return (((codes & 15) ^ 8) - 8).float() / 2


class Crooked(Halves):
    """Decodes another value than it encodes."""

    def decode(self, codes: Tensor) -> Tensor:
        return super().decode(codes) + 0.2


def kit(tested: DtypeSpec) -> type[DtypeTests]:
    class Kit(DtypeTests):
        __test__ = False
        spec = tested

    return Kit


def changed(change: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """Return quantize_dequantize with a change: from input and result to another result."""
    real = functional.quantize_dequantize

    def faulty(x: Tensor, *rest: Any, **more: Any) -> Tensor:
        return change(x, real(x, *rest, **more))

    return faulty


def scribble(x: Tensor, *rest: Any) -> Tensor:
    return x.mul_(2)


_quantize, _dequantize, _pack = functional.quantize, functional.dequantize, functional.pack

FAULTS: dict[str, tuple[str, Callable[..., Tensor]]] = {
    "test_quantizing_twice_changes_nothing": (QDQ, changed(lambda x, y: y * 0.7)),
    "test_half_even_takes_the_nearest_value": (QDQ, changed(lambda x, y: y * 0.9)),
    "test_a_larger_value_never_becomes_smaller": (QDQ, changed(lambda x, y: -y)),
    "test_values_beyond_the_range_saturate": (QDQ, changed(lambda x, y: torch.where(x.abs() > 1e30, x, y))),
    "test_nan_stays_nan": (QDQ, changed(lambda x, y: y.nan_to_num())),
    "test_zero_is_exact": (QDQ, changed(lambda x, y: y + 1e-3)),
    "test_zero_keeps_its_sign_in_float_formats": (QDQ, changed(lambda x, y: y + 0.0)),
    "test_representable_values_stay": (QDQ, changed(lambda x, y: y * 1.001)),
    "test_codes_give_the_same_values": ("dequantize", lambda *given: _dequantize(*given) + 1),
    "test_codes_fit_into_their_bits": ("quantize", lambda *given: _quantize(*given).int() + 1),
    "test_packed_codes_come_back": ("pack", lambda codes, bits: _pack(codes + 1, bits)),
    "test_any_size_will_do": (QDQ, changed(lambda x, y: y.reshape(-1))),
    "test_the_result_has_the_dtype_of_the_input": (QDQ, changed(lambda x, y: y.float())),
    "test_the_input_stays_as_it_was": (QDQ, scribble),
}


def test_every_check_has_a_fault() -> None:
    every_check_has_a_fault(
        DtypeTests,
        [*FAULTS, "test_it_is_hashable_data", "test_nan_has_a_code_or_is_refused", "test_a_codec_keeps_its_word"],
    )


@pytest.mark.parametrize("check", sorted(FAULTS))
def test_a_fault_is_caught(check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functional, *FAULTS[check])
    fails(kit(FP6), check)


@pytest.mark.parametrize("check", sorted(checks(DtypeTests)))
def test_a_sound_one_passes(check: str) -> None:
    passes(kit(FP6), check)


def test_a_dtype_without_a_summary_is_caught() -> None:
    fails(kit(DtypeSpec("acme.a", IntFormat(3))), "test_it_is_hashable_data")


def test_a_codebook_without_zero_is_caught() -> None:
    without = DtypeSpec("acme.c", CodebookFormat((-1.0, -0.5, 0.5, 1.0)), "No zero.")
    fails(kit(without), "test_zero_is_exact")
    passes(kit(without), "test_representable_values_stay")


@pytest.mark.parametrize("check", sorted(checks(DtypeTests)))
def test_a_sound_codec_passes(check: str) -> None:
    passes(kit(DtypeSpec("acme.halves", CodecFormat(4, 4.0, ref(Halves)), "Halves.")), check)


@pytest.mark.parametrize("check", sorted(checks(DtypeTests)))
def test_a_sound_codec_with_nan_passes(check: str) -> None:
    passes(kit(DtypeSpec("acme.halves", CodecFormat(5, 4.0, ref(Halves), nan_code=31), "Halves.")), check)


def test_a_number_with_the_code_of_nan_is_caught() -> None:
    taken = CodecFormat(4, 4.0, ref(Halves), nan_code=0)
    fails(kit(DtypeSpec("acme.halves", taken, "Halves.")), "test_nan_has_a_code_or_is_refused")


def test_a_code_of_nan_that_comes_back_as_a_number_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functional, "dequantize", lambda *given: _dequantize(*given).nan_to_num())
    fails(kit(DtypeSpec("acme.e4m3", FloatFormat(4, 3, "fn"), "With NaN.")), "test_nan_has_a_code_or_is_refused")


class Floats(Halves):
    def encode(self, x: Tensor) -> Tensor:
        return super().encode(x).float()


class Doubles(Halves):
    def decode(self, codes: Tensor) -> Tensor:
        return super().decode(codes).double()


class Scribbles(Halves):
    def encode(self, x: Tensor) -> Tensor:
        return super().encode(x.mul_(0.5))


class Beyond(Halves):
    def encode(self, x: Tensor) -> Tensor:
        return super().encode(x) + 300


class Holes(Halves):
    def decode(self, codes: Tensor) -> Tensor:
        return super().decode(codes).masked_fill(codes == 3, torch.nan)


@pytest.mark.parametrize("codec", [Floats, Doubles, Scribbles, Beyond, Holes])
def test_a_codec_that_breaks_its_word_is_caught(codec: type[Halves]) -> None:
    fails(kit(DtypeSpec("acme.c", CodecFormat(4, 4.0, ref(codec)), "Broken.")), "test_a_codec_keeps_its_word")


def test_a_range_beyond_the_codes_is_caught() -> None:
    fails(kit(DtypeSpec("acme.c", CodecFormat(4, 8.0, ref(Halves)), "Halves.")), "test_a_codec_keeps_its_word")


def test_a_crooked_codec_is_caught() -> None:
    crooked = kit(DtypeSpec("acme.crooked", CodecFormat(4, 4.0, ref(Crooked)), "Crooked."))
    fails(crooked, "test_zero_is_exact")
    fails(crooked, "test_half_even_takes_the_nearest_value")
