"""Says where in a model's own code a trace stopped, and why."""

from __future__ import annotations

import linecache
import traceback
from pathlib import Path
from types import FrameType

import torch
from torch import nn

_SKIPPED = (str(Path(torch.__file__).parent), str(Path(__file__).parent), "<")


def where(error: Exception, model: nn.Module) -> str:
    """Return the module, the line and the reason, as the end of a sentence."""
    names = {id(module): name for name, module in model.named_modules()}
    path, place = "", ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        path = names.get(id(frame.f_locals.get("self")), path)
        place = _line(frame, line) or place
    inside = f" inside {path!r}" if path else ""
    cause = next((text for text in str(error).splitlines() if text.strip()), "no reason given")
    return f"{inside}{place}: {type(error).__name__}: {cause}"


def _line(frame: FrameType, line: int) -> str:
    file = frame.f_code.co_filename
    if file.startswith(_SKIPPED):
        return ""
    return f" at {Path(file).name}:{line}, `{linecache.getline(file, line).strip()}`"
