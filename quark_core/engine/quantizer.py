"""The module that stands at a tensor: observes it in calibration, quantizes and dequantizes it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Self

import torch
from torch import Tensor, nn

from quark_core.engine.blocks import to_blocks
from quark_core.engine.functional import dequantize, dynamic_parameters, parameters, quantize
from quark_core.engine.kernels.missing import has_nan
from quark_core.engine.kernels.tracing import is_traced
from quark_core.engine.packing import pack, unpack
from quark_core.engine.scales import QParams
from quark_core.engine.straight_through import fake_quantize, traced_fake_quantize
from quark_core.engine.traced import Traceable
from quark_core.errors import DataError, ModelError
from quark_core.plugin.formats import has_signed_codes
from quark_core.plugin.plan import TensorPlan
from quark_core.plugin.protocols import ForSettings, Observer
from quark_core.plugin.settings import Settings


class Quantizer(nn.Module):
    """Quantizes one tensor of a plan.

    It is born observing: ``forward`` returns its input unchanged and feeds the observer. ``calibrated`` fixes ``scale``
    and ``zero_point`` (float32, ``[blocks]``); ``quantizing`` makes ``forward`` return the dequantized values, with a
    straight-through gradient. Where the scale is computed from the values (plain casts, block formats, is_dynamic),
    there is nothing to observe and both buffers stay None.
    """

    scale: Tensor | None
    zero_point: Tensor | None
    tensor_scale: Tensor | None

    def __init__(self, tensor: TensorPlan) -> None:
        super().__init__()
        self.tensor = tensor
        self.settings = tensor.settings
        self._traceable: Traceable | None = None
        self.calls = 0
        """Batches seen while observing."""
        self.has_values = False
        """Whether any of them was not empty."""
        self.float_bytes: int | None = None
        """Size of a parameter before; None for activations."""
        self.packed: Tensor | None = None
        """Codes of a parameter, as ``pack`` lays them out; None for activations."""
        self.observer = self._new_observer()
        self.register_buffer("scale", None)
        self.register_buffer("zero_point", None)
        self.register_buffer("tensor_scale", None)

    def _new_observer(self) -> Observer | None:
        spec = self.settings.observer
        if spec is None:
            return None
        observer: Observer = spec.impl.load()(self.settings.observer_options)
        if isinstance(observer, ForSettings):
            try:
                observer.for_settings(self.settings)
            except (DataError, ModelError) as error:
                raise type(error)(f"{self.key} ({self.tensor.origin}): {error}") from error
        return observer

    @property
    def quantizing(self) -> bool:
        """Whether ``forward`` quantizes, and no longer observes."""
        return self._traceable is not None

    @quantizing.setter
    def quantizing(self, value: bool) -> None:
        self._traceable = Traceable(self.settings) if value else None

    @property
    def key(self) -> str:
        """Identifier of the tensor in the plan, the report and saved files."""
        return self.tensor.key

    @property
    def params(self) -> QParams | None:
        """The fixed scale and zero point, or None while there are none."""
        if self.scale is None or self.zero_point is None:
            return None
        return QParams(self.scale, self.zero_point, self.tensor_scale)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` while observing, else ``x`` quantized and dequantized; shape and dtype stay."""
        if not x.is_floating_point():
            raise ModelError(f"{self.key}: {x.dtype} values cannot be quantized; exclude this layer or skip its input")
        if self._traceable is None:
            self.observe(x)
            return x
        if is_traced():
            return traced_fake_quantize(x, self._traceable, self.params)
        try:
            return fake_quantize(x, self.settings, self.params)
        except ModelError as error:
            raise ModelError(f"{self.key}: {error}") from error

    def observe(self, x: Tensor) -> None:
        """Take in one batch; raises DataError for NaN or Inf."""
        self.calls += 1
        values = x.detach()
        self.has_values = self.has_values or values.numel() > 0
        if values.numel() and not torch.isfinite(torch.stack(values.aminmax())).all():
            raise DataError(f"{self.key}: {_not_finite(values)}; quantized ranges need finite values")
        if self.observer is None or not values.numel():
            return
        try:
            self.observer.observe(to_blocks(values, self.settings).to(torch.float32))
        except (DataError, ModelError) as error:
            raise type(error)(f"{self.key}: {error}") from error

    def calibrated(self) -> None:
        """Fix scale and zero point from what was observed; raises DataError when nothing was."""
        if self.observer is None:
            return
        if not self.calls:
            raise DataError(
                f"{self.key}: no calibration batch reached {self.tensor.layer!r}, so its range is not known; "
                "give data that reach it, exclude the layer, or set is_dynamic: true"
            )
        if not self.has_values:
            raise DataError(f"{self.key}: the calibration batches that reached it hold no values; give batches that do")
        try:
            params = parameters(*_finite(self.observer.range(), self.settings), self.settings)
        except DataError as error:
            raise DataError(f"{self.key}: {error}") from error
        self.scale, self.zero_point = params.scale, params.zero_point
        self.observer = None

    def snap(self, parameter: Tensor) -> Tensor:
        """Return the nearest representable values of a parameter, in its dtype, and keep their codes in ``packed``."""
        values = parameter.detach()
        if self.settings.dtype.scaled and self.params is None:
            params = dynamic_parameters(values, self.settings)
            self.scale, self.zero_point, self.tensor_scale = params.scale, params.zero_point, params.tensor_scale
        self.float_bytes = values.numel() * values.element_size()
        codes = quantize(values, self.settings, self.params)
        self.packed = pack(codes, self.settings.dtype.format.bits)
        snapped = stored_values(codes, self, parameter.dtype)
        if has_nan(snapped) and not has_nan(values):
            raise ModelError(
                f"{self.key}: dtype {self.settings.dtype.name} makes NaN of finite values: its codec or scale is wrong"
            )
        return snapped

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        # model.half() and the like change weights; scale and zero point follow to the device but stay float32.
        exact = self.params
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        if exact is not None and self.scale is not None:
            self.scale, self.zero_point = (x.to(self.scale.device) for x in (exact.scale, exact.zero_point))
            self.tensor_scale = (
                exact.tensor_scale if exact.tensor_scale is None else exact.tensor_scale.to(self.scale.device)
            )
        return self

    def extra_repr(self) -> str:
        """Return the settings, for ``print(model)``."""
        return self.settings.describe()


def _finite(found: tuple[Tensor, Tensor], settings: Settings) -> tuple[Tensor, Tensor]:
    """Return an observer's range; raises DataError where it is not finite, though the values were."""
    if not all(end.isfinite().all() for end in found):
        name = settings.observer.name if settings.observer else "unknown"
        raise DataError(f"observer {name} gave a range with NaN or infinity; this is a fault of the observer")
    return found


def stored_values(codes: Tensor, quantizer: Quantizer, dtype: torch.dtype) -> Tensor:
    """Return what a parameter's codes stand for, in ``dtype``; scaled formats saturate there, as activations do."""
    return clamped(dequantize(codes, quantizer.settings, quantizer.params), quantizer, dtype)


def clamped(values: Tensor, quantizer: Quantizer, dtype: torch.dtype) -> Tensor:
    """Return dequantized ``values``, float32, in ``dtype``; may change them in place."""
    if quantizer.settings.dtype.scaled and dtype in (torch.float16, torch.bfloat16):
        limit = torch.finfo(dtype).max
        values.clamp_(-limit, limit)
    return values.to(dtype)


def stored_codes(quantizer: Quantizer, shape: tuple[int, ...]) -> Tensor:
    """Return the codes of a snapped parameter of ``shape``, as ``quantize`` gives them; raises ModelError without."""
    if quantizer.packed is None:
        raise ModelError(f"{quantizer.key}: has no codes; its scales are not fixed yet")
    fmt = quantizer.settings.dtype.format
    return unpack(quantizer.packed, fmt.bits, shape, signed=has_signed_codes(fmt))


def _not_finite(values: Tensor) -> str:
    nan, inf = int(values.isnan().sum()), int(values.isinf().sum())
    return " and ".join(f"{count} {name}" for count, name in ((nan, "NaN"), (inf, "Inf")) if count) + " found"


def quantizers(model: nn.Module) -> Iterator[Quantizer]:
    """Yield every quantizer of a model, each once."""
    return (module for module in model.modules() if isinstance(module, Quantizer))


def quantizer_buffers(model: nn.Module) -> set[int]:
    """Return the identities of the buffers that belong to quantizers."""
    return {id(buffer) for quantizer in quantizers(model) for buffer in quantizer.buffers()}


def parameter_quantizers(model: nn.Module) -> Iterator[tuple[nn.Module, str, Quantizer]]:
    """Yield (module, parameter name, quantizer) for every quantized parameter; tied ones once for each owner.

    A mode attaches the quantizer of parameter ``weight`` as a submodule ``weight_quantizer`` of the parameter's owner.
    """
    for module in model.modules():
        for child in module.children():
            if isinstance(child, Quantizer) and child.tensor.role in ("weight", "bias"):
                yield module, _owned_name(module, child), child


def _owned_name(module: nn.Module, quantizer: Quantizer) -> str:
    for name, child in module.named_children():
        if child is quantizer:
            return name.removesuffix(SUFFIX)
    raise ModelError(f"{quantizer.key}: its quantizer is not where its mode should have put it")


SUFFIX = "_quantizer"
"""What a mode appends to a tensor's name to form the name of its quantizer."""
