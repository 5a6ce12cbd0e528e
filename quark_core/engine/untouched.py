"""Whether a model is as it was, at the cost of a list of its parts."""

from __future__ import annotations

from torch import Tensor, nn


def marks(model: nn.Module) -> dict[str, object]:
    """Return marks of every module, parameter and buffer of ``model``; where they are equal later, it is as it was.

    Replaced parts, and tensors that were written to in place, have other marks. What was written through ``.data``, or
    to inference tensors, which count no writes, is not seen.
    """
    found: dict[str, object] = {f"{name} (module)": id(module) for name, module in model.named_modules()}
    tensors = (*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False))
    return found | {name: _mark(tensor) for name, tensor in tensors}


def _mark(tensor: Tensor) -> object:
    return (id(tensor), tensor.data_ptr(), None if tensor.is_inference() else tensor._version)  # noqa: SLF001  # no other count of writes


def touched(before: dict[str, object], after: dict[str, object]) -> str | None:
    """Return the name of the first part that is not as it was, or None."""
    names = dict.fromkeys((*before, *after))
    return next((name for name in names if before.get(name) != after.get(name)), None)
