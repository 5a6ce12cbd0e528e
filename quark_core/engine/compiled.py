"""The opt-in compiler: one loop over memory instead of a pass for each step, with the same bits.

Wanted by the environment variable ``QUARK_COMPILE=1`` or inside ``with compiled():``. It needs a C++ compiler at run
time, and takes some seconds the first time that a format, scheme and dtype come together.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from types import FunctionType
from typing import Any

import torch
from torch import Tensor

from quark_core.engine.kernels.scratch import Traced
from quark_core.engine.ranges import block_amax, tile_amax
from quark_core.engine.scales import QParams, params_from_amax
from quark_core.engine.step import Step
from quark_core.engine.tile_scales import given_or_own
from quark_core.plugin.formats import BlockFormat, CodebookFormat, CodecFormat
from quark_core.plugin.settings import Settings

VARIABLE = "QUARK_COMPILE"
_WORTH = 1 << 16
"""Elements below which a tensor is not worth a compilation."""
_UNROLLED = 64
"""Elements of a block up to which each size is a case of its own."""
_WANTED: ContextVar[bool | None] = ContextVar("quark_compiled", default=None)


@contextmanager
def compiled(*, wanted: bool = True) -> Iterator[None]:
    """Use the compiler inside the ``with`` block, or not, whatever the environment variable says."""
    before = _WANTED.set(wanted)
    try:
        yield
    finally:
        _WANTED.reset(before)


def is_wanted(source: Tensor, settings: Settings) -> bool:
    """Return whether to compile for ``source``: a large tensor, scaled integers or floats, a rounding without state.

    Compilers leave out a cast to bfloat16 and back, which is all that a plain cast does, and look up tables slowly.
    """
    wanted = _WANTED.get()
    if wanted is None:
        wanted = os.environ.get(VARIABLE, "").lower() not in ("", "0", "false", "no", "off")
    fits = settings.dtype.scaled and not isinstance(settings.dtype.format, CodebookFormat | CodecFormat)
    return wanted and fits and source.numel() >= _WORTH and not settings.rounding.is_stateful


def compiled_sweep(source: Tensor, target: Tensor, settings: Settings, params: QParams | None) -> bool:
    """Do what ``sweep`` does and return True; warn, once for each case, and return False where compiling fails."""
    params = _given_or_own(params, source, settings)
    arguments = [params.scale[:, None]] if settings.symmetric else [params.scale[:, None], params.zero_point[:, None]]
    # One tensor, not two that share their memory, is what compilers know how to change in place.
    target = source if source.data_ptr() == target.data_ptr() else target
    step = Step(settings)
    return _step(_Case.of(source, target, *arguments), step)(source, target, *arguments)


def _given_or_own(params: QParams | None, source: Tensor, settings: Settings) -> QParams:
    fmt = settings.dtype.format
    if params is not None or not isinstance(fmt, BlockFormat):
        return given_or_own(params, source, settings)
    amax = torch.empty(source.shape[0], dtype=torch.float32, device=source.device)
    if not _amax(_Case.of(source, amax))(source, amax):
        amax = block_amax(source)
    return params_from_amax(amax, fmt, settings)


@dataclass(frozen=True)
class _Case:
    """What a compilation depends on besides the format."""

    tensors: tuple[tuple[object, ...], ...]
    """Of each tensor its dtype, its device, whether memory is contiguous and where its size is 1; others stay open."""
    same: bool
    threads: int
    inference: bool

    @staticmethod
    def of(source: Tensor, target: Tensor, *arguments: Tensor) -> _Case:
        """Return the case of a call."""
        tensors = tuple(
            (
                x.dtype,
                x.device,
                x.is_contiguous(),
                *(min(size, _UNROLLED + 1) if dim else size == 1 for dim, size in enumerate(x.shape)),
            )
            for x in (source, target, *arguments)
        )
        return _Case(tensors, source is target, torch.get_num_threads(), torch.is_inference_mode_enabled())


@cache
def _step(case: _Case, step: Step) -> Callable[..., bool]:
    del case
    traced = Traced()

    def whole(source: Tensor, target: Tensor, scale: Tensor, zero_point: Tensor | float = 0.0) -> None:
        step(source, target, scale, zero_point, traced)

    return _compiled(whole)


@cache
def _amax(case: _Case) -> Callable[..., bool]:
    del case
    traced = Traced()

    def whole(source: Tensor, target: Tensor) -> None:
        target.copy_(tile_amax(source, traced))

    return _compiled(whole)


def _compiled(function: Any) -> Callable[..., bool]:
    # Compilations are counted, and limited, for each code object; every case has one of its own.
    code = function.__code__.replace()
    own = FunctionType(code, function.__globals__, function.__name__, function.__defaults__, function.__closure__)
    return _Attempt(torch.compile(own, fullgraph=True))


class _Attempt:
    """A compiled function that gives up for good when compiling it fails."""

    def __init__(self, function: Callable[..., None]) -> None:
        self._function = function
        self._state = "new"

    def __call__(self, *tensors: Tensor) -> bool:
        if self._state == "failed":
            return False
        for tensor in tensors:
            _leave_open(tensor)
        if self._state == "works":
            self._function(*tensors)
            return True
        return self._first(*tensors)

    def _first(self, *tensors: Tensor) -> bool:
        try:
            # What a compiler warns of is not for those who only asked for speed.
            with warnings.catch_warnings(action="ignore"):
                self._function(*tensors)
        except Exception as error:  # noqa: BLE001  # compilers, and code of plugins that they trace, fail in many ways
            self._state = "failed"
            warnings.warn(_message(error), RuntimeWarning, stacklevel=2)
            return False
        self._state = "works"
        return True


def _leave_open(tensor: Tensor) -> None:
    """Let one compilation serve all sizes, save those of small blocks, whose loops are unrolled."""
    for dim, size in enumerate(tensor.shape):
        if size > (_UNROLLED if dim else 1):
            torch._dynamo.maybe_mark_dynamic(tensor, dim)  # noqa: SLF001  # documented, in spite of its name


def _message(error: Exception) -> str:
    cause = " ".join(str(error).split())[:300] or type(error).__name__
    return (
        f"{VARIABLE} asks for compiled quantization, but compiling failed, so this format runs uncompiled, with the "
        f"same results: {cause}; install a C++ compiler, or unset {VARIABLE}"
    )
