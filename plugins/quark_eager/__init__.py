"""Eager mode: operators are replaced in place, module by module."""

from typing import Literal

from quark_core.plugin import ModeSpec, Options, Ref, hookimpl

QUARK_API = 1


class EagerOptions(Options):
    """Replace modules in place; works with any control flow between them."""

    name: Literal["eager_mode"] = "eager_mode"
    fold_batch_norm: bool = False
    """Fold each batch norm into the convolution or linear layer before it; the model must then be traceable."""


EAGER = ModeSpec(EagerOptions, Ref("quark_eager.mode:Eager"))


@hookimpl
def quark_modes() -> tuple[ModeSpec, ...]:
    """Return eager mode."""
    return (EAGER,)
