"""Whether a compiler or an exporter is reading the code, which then may not branch on values."""

import torch


def is_traced() -> bool:
    """Return whether ``torch.compile`` or ``torch.export`` traces what runs now."""
    return torch.compiler.is_compiling() or torch.compiler.is_exporting()
