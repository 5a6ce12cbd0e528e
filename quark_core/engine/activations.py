"""How much quantization changes each activation, while a model runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from quark_core.engine.quantizer import quantizers
from quark_core.engine.sqnr import Sqnr


@contextmanager
def measured_activations(model: nn.Module, found: dict[str, Sqnr]) -> Iterator[None]:
    """Add to ``found``, by key, what each activation quantizer of ``model`` gets and gives while the context lasts."""
    hooks = [
        quantizer.register_forward_hook(_recorder(found.setdefault(quantizer.key, Sqnr())))
        for quantizer in quantizers(model)
        if quantizer.tensor.role in ("input", "output")
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _recorder(sqnr: Sqnr) -> Any:
    def hook(_module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
        sqnr.add(args[0], output)

    return hook
