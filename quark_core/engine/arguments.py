"""Checks of what callers pass in, so that mistakes are named and not met as a torch traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from quark_core.engine.scales import QParams
from quark_core.errors import UsageError
from quark_core.plugin.settings import Settings

if TYPE_CHECKING:
    from quark_core.config.models import TensorConfig

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def as_settings(config: Settings | TensorConfig) -> Settings:
    """Return ``config`` with every default filled in; raises UnknownNameError when it names what nothing adds."""
    if isinstance(config, Settings):
        return config
    from quark_core.config.resolve import resolve

    return resolve(config)


def check_values(x: Tensor) -> None:
    """Raise UsageError when ``x`` is not a tensor of floating-point values."""
    if x.dtype not in FLOATS:
        raise UsageError(f"cannot quantize a tensor of {x.dtype}; give float16, bfloat16, float32 or float64")


def check_out(out: Tensor, x: Tensor) -> None:
    """Raise UsageError when ``out`` cannot receive the result for ``x``."""
    if (out.shape, out.dtype, out.device) != (x.shape, x.dtype, x.device):
        raise UsageError(
            f"out is {tuple(out.shape)} {out.dtype} on {out.device}, "
            f"the input {tuple(x.shape)} {x.dtype} on {x.device}; out must be like the input"
        )


def check_params(params: QParams | None, blocks: Tensor, settings: Settings) -> QParams:
    """Return ``params``, which must fit ``blocks`` (``[blocks, elements]``); raise UsageError when they do not.

    A plain cast has none and gets scale 1.
    """
    count = blocks.shape[0]
    if not settings.dtype.scaled:
        one = torch.ones(count, dtype=torch.float32, device=blocks.device)
        return QParams(one, torch.zeros_like(one))
    if params is None:
        raise UsageError(f"{settings.dtype.name} needs params; get them from parameters or dynamic_parameters")
    for name, value in (("scale", params.scale), ("zero_point", params.zero_point)):
        if value.shape != (count,) or value.dtype != torch.float32 or value.device != blocks.device:
            raise UsageError(
                f"params.{name} is {tuple(value.shape)} {value.dtype} on {value.device}; this tensor has {count} "
                f"blocks and needs ({count},) torch.float32 on {blocks.device}: compute them for this tensor and config"
            )
    return params
