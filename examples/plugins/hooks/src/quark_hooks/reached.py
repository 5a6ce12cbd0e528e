"""Hooks run when a module is called, not when its parts are used; such a layer must not stay float unnoticed."""

from __future__ import annotations

from typing import Self

from torch import nn
from torch.utils.hooks import RemovableHandle

from quark_core.engine.authoring import quantizers
from quark_core.errors import ModelError


class Reached:
    """Notes that a model ran, until it is checked."""

    def __init__(self) -> None:
        self._ran = False
        self._handle: RemovableHandle | None = None

    @classmethod
    def watch(cls, model: nn.Module) -> Self:
        """Watch ``model``; its hook is gone once it was checked."""
        made = cls()
        made._handle = model.register_forward_pre_hook(made._note)
        return made

    def _note(self, _module: nn.Module, _args: object) -> None:
        self._ran = True

    def check(self, model: nn.Module) -> None:
        """Raise ModelError for an activation that no hook saw though the model ran.

        The engine itself says so of static scales, which would have no range; dynamic ones would pass unnoticed.
        """
        if self._handle is not None:
            self._handle.remove()
        unseen = [q for q in quantizers(model) if q.tensor.role in ("input", "output") and not q.calls]
        if self._ran and unseen:
            first = unseen[0]
            raise ModelError(
                f"{first.key} and {len(unseen) - 1} more activations: the model ran, and no call of "
                f"{first.tensor.layer!r} was seen, so that its activations would stay float; the model may use its "
                "parameters or its forward without calling the module, which hooks do not see: call the module, "
                "exclude the layer, or give a first batch that reaches it"
            )
