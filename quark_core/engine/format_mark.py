"""What a number format is, as a text that changes when its numbers do."""

from __future__ import annotations

import hashlib
from dataclasses import fields

import torch

from quark_core.engine.kernels.codec import CodecKernel
from quark_core.plugin.formats import CodecFormat, Format


def format_mark(fmt: Format) -> str:
    """Return the fields of a format; of a codec, what all of its codes stand for, wherever its class is."""
    said = ", ".join(f"{f.name}={getattr(fmt, f.name)!r}" for f in fields(fmt) if f.name != "codec")
    if not isinstance(fmt, CodecFormat):
        return f"{type(fmt).__name__}({said})"
    values = CodecKernel(fmt).decode(
        torch.arange(1 << fmt.bits, dtype=torch.int32, device="cpu"), torch.zeros(1, device="cpu")
    )
    # Every NaN counts as the same.
    bits = torch.where(values.isnan(), torch.nan, values).contiguous().view(torch.int32).numpy().astype("<i4")
    return f"{type(fmt).__name__}({said}, values={hashlib.sha256(bits.tobytes()).hexdigest()[:16]})"
