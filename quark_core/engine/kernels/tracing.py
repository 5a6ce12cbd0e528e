"""Whether a compiler or an exporter is reading the code, which then may not branch on values."""

import torch

_TELLS_EXPORT = hasattr(torch.compiler, "is_exporting")
"""False before torch 2.7."""


def is_traced() -> bool:
    """Return whether ``torch.compile`` or ``torch.export`` traces what runs now."""
    return torch.compiler.is_compiling() or is_exported()


def is_exported() -> bool:
    """Return whether ``torch.export`` does, as far as torch tells."""
    return _TELLS_EXPORT and torch.compiler.is_exporting()
