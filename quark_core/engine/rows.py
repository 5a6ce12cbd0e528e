"""Some rows of a stored table, without the others being dequantized."""

from __future__ import annotations

import torch
from torch import Tensor

from quark_core.config.type import QSchemeType
from quark_core.engine.functional import dequantize
from quark_core.engine.packing import unpack
from quark_core.engine.quantizer import Quantizer, clamped, stored_codes, stored_values
from quark_core.engine.scales import QParams
from quark_core.plugin.formats import has_signed_codes


def stored_rows(quantizer: Quantizer, index: Tensor, shape: tuple[int, int], dtype: torch.dtype) -> Tensor:
    """Return ``[*index.shape, columns]``: the rows ``index`` of a snapped parameter of ``shape`` (rows, columns).

    Bit for bit what ``stored_values`` gives. Only these rows are unpacked, unless a row does not fill whole bytes or
    shares its scales with others.
    """
    rows, columns = shape
    bits = quantizer.settings.dtype.format.bits
    flat = index.reshape(-1)
    if quantizer.packed is None or columns * bits % 8 or not flat.numel() or not _own_scales(quantizer):
        return stored_values(stored_codes(quantizer, shape), quantizer, dtype)[index]
    chosen = quantizer.packed.view(rows, -1)[flat].reshape(-1)
    codes = unpack(chosen, bits, (len(flat), columns), signed=has_signed_codes(quantizer.settings.dtype.format))
    values = dequantize(codes, quantizer.settings, _params(quantizer, flat, rows))
    return clamped(values, quantizer, dtype).view(*index.shape, columns)


def _own_scales(quantizer: Quantizer) -> bool:
    settings = quantizer.settings
    if settings.qscheme is QSchemeType.per_group:
        return settings.axis in (1, -1)
    return settings.qscheme is not QSchemeType.per_block


def _params(quantizer: Quantizer, rows: Tensor, count: int) -> QParams | None:
    params, settings = quantizer.params, quantizer.settings
    by_row = settings.qscheme is QSchemeType.per_group or (
        settings.qscheme is QSchemeType.per_channel and settings.axis in (0, -2)
    )
    if params is None or not by_row:
        return params
    scale, zero_point = (x.view(count, -1)[rows].reshape(-1) for x in (params.scale, params.zero_point))
    return QParams(scale, zero_point, params.tensor_scale)
